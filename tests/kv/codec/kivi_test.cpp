#include "kv/codec/kivi.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "kernels/select.h"
#include "kv/codec/paper_codecs.h"

namespace pith::kv {
namespace {

using namespace test;

std::unique_ptr<const KvCodec> make(KvSide side, std::size_t size, std::size_t bits) {
  return make_kivi({side, size}, kernels::select_kernels(), bits);
}

// The error is at most half a step (per channel for keys, per token and group for values) plus the rounding of f16.
TEST(Kivi, NoElementIsFartherThanHalfAStep) {
  for (const std::size_t size : {16UL, 48UL, 64UL, 80UL, 96UL}) {
    for (const std::size_t bits : {2UL, 4UL}) {
      const auto rows = kernels::test::random_floats(kTokens * size, size + bits);
      const double steps = static_cast<double>((1U << bits) - 1U);
      const auto keys = reconstruct(*make(KvSide::kKeys, size, bits), rows);
      for (std::size_t i = 0; i < size; ++i) {
        float least = rows[i];
        float most = rows[i];
        for (std::size_t t = 0; t < kTokens; ++t) least = std::min(least, rows[t * size + i]);
        for (std::size_t t = 0; t < kTokens; ++t) most = std::max(most, rows[t * size + i]);
        for (std::size_t at = i; at < rows.size(); at += size) {
          ASSERT_LE(std::fabs(double{rows[at]} - keys[at]), double{most - least} * 0.5 / steps + 5e-3);
        }
      }
      const auto values = reconstruct(*make(KvSide::kValues, size, bits), rows);
      for (std::size_t at = 0; at < rows.size();) {
        // Groups of 32 elements of a row, and a shorter last one.
        const std::size_t group = std::min<std::size_t>(32, size - at % size);
        const auto [least, most] = std::minmax_element(&rows[at], &rows[at] + group);
        for (std::size_t i = at; i < at + group; ++i) {
          ASSERT_LE(std::fabs(double{rows[i]} - values[i]), double{*most - *least} * 0.5 / steps + 5e-3);
        }
        at += group;
      }
    }
  }
}

// Keys of models with a large bias: a channel far from zero does not affect the others.
TEST(Kivi, AChannelOfOutliersStaysAlone) {
  auto rows = kernels::test::random_floats(kTokens * 64, 1);
  for (std::size_t t = 0; t < kTokens; ++t) rows[t * 64 + 9] += 600.0F;
  const auto back = reconstruct(*make(KvSide::kKeys, 64, 4), rows);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    ASSERT_NEAR(back[i], rows[i], i % 64 == 9 ? 0.5F : 0.25F);
  }
}

// An outlier among values affects only its own group in its own row, whatever the size.
TEST(Kivi, AnOutlierOfAGroupOfValuesStaysInIt) {
  for (const std::size_t size : {16UL, 48UL, 64UL, 80UL, 96UL}) {
    for (std::size_t element = 0; element < size; element += 16) {
      auto rows = kernels::test::random_floats(kTokens * size, size);
      const auto codec = make(KvSide::kValues, size, 4);
      const auto expected = reconstruct(*codec, rows);
      const std::size_t row = 21 * size;
      rows[row + element] = 600.0F;
      const auto back = reconstruct(*codec, rows);
      std::size_t changed = 0;
      for (std::size_t i = 0; i < rows.size(); ++i) {
        if (i >= row && i < row + size && (i - row) / 32 == element / 32) {
          if (back[i] != expected[i]) ++changed;
          continue;
        }
        ASSERT_EQ(back[i], expected[i]) << size << " " << element << " " << i;
      }
      EXPECT_GT(changed, 8U) << size << " " << element;
    }
  }
}

TEST(Kivi, WhatItsCodesCanSayIsExact) {
  const float few[] = {-1.0F, -0.5F, 0.0F, 0.5F};
  std::vector<float> rows(kTokens * 64);
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = few[(i + i / 64) % 4];
  EXPECT_EQ(reconstruct(*make(KvSide::kKeys, 64, 2), rows), rows);
  EXPECT_EQ(reconstruct(*make(KvSide::kValues, 64, 2), rows), rows);
}

}  // namespace
}  // namespace pith::kv
