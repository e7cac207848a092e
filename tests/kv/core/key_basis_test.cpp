#include "kv/core/key_basis.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "kernels/select.h"
#include "kv/layout/layout.h"

namespace pith::kv {
namespace {

constexpr std::size_t kBasisSize = 32;

/// Returns rows [kPageTokens, kBasisSize] whose channel 3 varies ten times as much as the others.
std::vector<float> spread_rows() {
  std::mt19937 engine(1);
  std::normal_distribution<float> normal(0.0F, 1.0F);
  std::vector<float> rows(kPageTokens * kBasisSize);
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = normal(engine) * (i % kBasisSize == 3 ? 10.0F : 1.0F);
  return rows;
}

KeyBasis observed_basis(float energy) {
  KeyBasis basis(kBasisSize);
  const std::vector<float> query(kBasisSize, energy);
  for (int i = 0; i < 10; ++i) basis.observe(query.data());
  return basis;
}

TEST(KeyBasisFit, ShrinksChannelsThatVaryMuch) {
  KeyBasis basis = observed_basis(1.0F);
  EXPECT_GT(basis.fit(spread_rows().data(), 0), 0.0F);
  std::vector<float> key(kBasisSize, 1.0F);
  basis.restore_key(key.data());
  // restore_key() divides by the scales.
  EXPECT_GT(key[3], 1.5F * key[0]);
}

TEST(KeyBasisFit, NoiseGrowsWithTheEnergyOfQueries) {
  KeyBasis weak = observed_basis(1.0F);
  KeyBasis strong = observed_basis(2.0F);
  const std::vector<float> rows = spread_rows();
  EXPECT_NEAR(strong.fit(rows.data(), 16) / weak.fit(rows.data(), 16), 4.0, 1e-3);
}

TEST(KeyBasisFit, WithoutUsableStatisticsChangesNothing) {
  const std::vector<float> same(kPageTokens * kBasisSize, 2.0F);
  std::vector<float> broken = spread_rows();
  broken[100] = std::numeric_limits<float>::infinity();
  for (const std::vector<float>* rows : {&same, static_cast<const std::vector<float>*>(&broken)}) {
    KeyBasis basis = observed_basis(1.0F);
    EXPECT_EQ(basis.fit(rows->data(), 0), 0.0F);
    std::vector<float> key(kBasisSize, 1.0F);
    basis.restore_key(key.data());
    EXPECT_EQ(key, std::vector<float>(kBasisSize, 1.0F));
  }
  KeyBasis unasked(kBasisSize);
  EXPECT_EQ(unasked.fit(spread_rows().data(), 0), 0.0F);
}

TEST(KeyBasis, ScoresAreTheSameInIt) {
  const std::vector<float> rows = spread_rows();
  KeyBasis basis = observed_basis(1.0F);
  basis.fit(rows.data(), 0);
  const HadamardRotation rotation(kBasisSize);
  const kernels::KernelTable& kernels = kernels::select_kernels();
  std::vector<float> key(kBasisSize);
  std::vector<float> query(kBasisSize);
  basis.apply_to_key(kernels, rotation, rows.data(), key.data());
  basis.apply_to_query(kernels, rotation, &rows[kBasisSize], query.data());
  double expected = 0;
  double got = 0;
  for (std::size_t i = 0; i < kBasisSize; ++i) {
    expected += static_cast<double>(rows[i]) * static_cast<double>(rows[kBasisSize + i]);
    got += static_cast<double>(key[i]) * static_cast<double>(query[i]);
  }
  EXPECT_NEAR(got, expected, 1e-3 * std::abs(expected) + 1e-3);
}

}  // namespace
}  // namespace pith::kv
