#include "model/norm.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "kernels/select.h"

namespace pith::model {
namespace {

std::vector<float> applied(const NormSpec& spec, const NormWeights& weights, std::vector<float> x) {
  Norm(spec, weights).apply(kernels::select_kernels(), x.data(), x.size(), x.data());
  return x;
}

const std::vector<float> kRow = {1.0F, -2.0F, 4.0F, 5.0F};

TEST(Norm, NoneLeavesTheRow) {
  const NormWeights none;
  EXPECT_EQ(applied({}, none, kRow), kRow);
  std::vector<float> out(kRow.size());
  Norm({}, none).apply(kernels::select_kernels(), kRow.data(), kRow.size(), out.data());
  EXPECT_EQ(out, kRow);
}

TEST(Norm, LayerNormSubtractsTheMeanAndAddsTheBias) {
  const NormWeights weights{.weight = {1.0F, 2.0F, 1.0F, 1.0F}, .bias = {0.0F, 0.5F, 0.0F, 0.0F}};
  // Mean 2, variance (1 + 16 + 4 + 9) / 4 = 7.5.
  const float deviation = std::sqrt(7.5F + 0.5F);
  const std::vector<float> expected = {-1.0F / deviation, -8.0F / deviation + 0.5F, 2.0F / deviation, 3.0F / deviation};
  const std::vector<float> got = applied({NormKind::kLayer, 0.5F, true}, weights, kRow);
  for (std::size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], expected[i], 1e-6F);
  const NormWeights unbiased{.weight = weights.weight, .bias = {}};
  EXPECT_NEAR(applied({NormKind::kLayer, 0.5F, false}, unbiased, kRow)[1], -8.0F / deviation, 1e-6F);
}

}  // namespace
}  // namespace pith::model
