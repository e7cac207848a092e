#include "model/router.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

namespace pith::model {
namespace {

struct Choice {
  std::vector<std::uint32_t> experts;
  std::vector<float> shares;
};

Choice choose(const ExpertsSpec& spec, std::vector<float> logits, const ExpertsWeights& weights = {}) {
  Choice choice{std::vector<std::uint32_t>(spec.used), std::vector<float>(spec.used)};
  choose_experts(spec, weights, logits, {choice.experts, choice.shares});
  return choice;
}

ExpertsSpec two_of_four() {
  ExpertsSpec spec;
  spec.count = 4;
  spec.used = 2;
  return spec;
}

TEST(Router, ChoosesTheLargestInAscendingOrder) {
  const Choice choice = choose(two_of_four(), {0.0F, 3.0F, 1.0F, 2.0F});
  EXPECT_EQ(choice.experts, (std::vector<std::uint32_t>{1, 3}));
  const double sum = 1.0 + std::exp(3.0) + std::exp(1.0) + std::exp(2.0);
  EXPECT_FLOAT_EQ(choice.shares[0], static_cast<float>(std::exp(3.0) / sum));
  EXPECT_FLOAT_EQ(choice.shares[1], static_cast<float>(std::exp(2.0) / sum));
}

TEST(Router, OfEqualOnesTheFirst) {
  EXPECT_EQ(choose(two_of_four(), {1.0F, 2.0F, 2.0F, 2.0F}).experts, (std::vector<std::uint32_t>{1, 2}));
}

TEST(Router, OfGroupsThoseWhoseTwoBestHaveTheLargestSum) {
  ExpertsSpec spec = two_of_four();
  spec.count = 6;
  spec.groups = 3;
  spec.groups_used = 1;
  spec.gating = ExpertGating::kSigmoid;
  // The single best one is in the first group.
  EXPECT_EQ(choose(spec, {3, -9, 1, 1, 0, 0}).experts, (std::vector<std::uint32_t>{2, 3}));
  spec.groups_used = 2;
  EXPECT_EQ(choose(spec, {3, -9, 1, 1, 0, 0}).experts, (std::vector<std::uint32_t>{2, 3}));
  EXPECT_EQ(choose(spec, {3, 2, 1, 1, 0, 0}).experts, (std::vector<std::uint32_t>{0, 1}));
  // Of equal groups the first; the others' NaN is no number to compare with.
  const float nan = std::numeric_limits<float>::quiet_NaN();
  spec.groups_used = 1;
  EXPECT_EQ(choose(spec, {nan, 2, 1, 1, 1, 1}).experts, (std::vector<std::uint32_t>{2, 3}));
}

TEST(Router, SharesByEachRule) {
  ExpertsSpec spec = two_of_four();
  spec.normalized = true;
  EXPECT_FLOAT_EQ(choose(spec, {0, 0, 0, 0}).shares[0], 0.5F);
  spec.scale = 3.0F;
  EXPECT_FLOAT_EQ(choose(spec, {0, 0, 0, 0}).shares[1], 1.5F);
  spec = two_of_four();
  spec.gating = ExpertGating::kSigmoid;
  EXPECT_FLOAT_EQ(choose(spec, {-9, 0, -9, 1}).shares[0], 0.5F);
  spec.gating = ExpertGating::kSoftmaxOfChosen;
  const Choice choice = choose(spec, {-9, 0, -9, 1});
  EXPECT_FLOAT_EQ(choice.shares[0] + choice.shares[1], 1.0F);
  EXPECT_FLOAT_EQ(choice.shares[1] / choice.shares[0], std::exp(1.0F));
}

TEST(Router, ABiasOfTheChoiceDoesNotChangeShares) {
  ExpertsSpec spec = two_of_four();
  spec.gating = ExpertGating::kSigmoid;
  spec.selection_bias = true;
  ExpertsWeights weights;
  weights.selection_bias = {5, 0, 0, 0};
  const Choice choice = choose(spec, {0, 1, 2, 3}, weights);
  EXPECT_EQ(choice.experts, (std::vector<std::uint32_t>{0, 3}));
  EXPECT_FLOAT_EQ(choice.shares[0], 0.5F);
}

TEST(Router, ABiasOfTheRouterIsPartOfBoth) {
  ExpertsSpec spec = two_of_four();
  spec.gating = ExpertGating::kSigmoid;
  spec.router_bias = true;
  ExpertsWeights weights;
  weights.router_bias = {5, 0, 0, 0};
  const Choice choice = choose(spec, {0, -1, -2, 3}, weights);
  EXPECT_EQ(choice.experts, (std::vector<std::uint32_t>{0, 3}));
  EXPECT_FLOAT_EQ(choice.shares[0], 1.0F / (1.0F + std::exp(-5.0F)));
}

// Damaged weights reach the logits as NaN, where generating finds them, and no sort sees them.
TEST(Router, NanIsChosenLastAndStays) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  ExpertsSpec spec = two_of_four();
  spec.gating = ExpertGating::kSigmoid;
  EXPECT_EQ(choose(spec, {nan, 1, nan, 2}).experts, (std::vector<std::uint32_t>{1, 3}));
  EXPECT_TRUE(std::isnan(choose(spec, {nan, nan, nan, 2}).shares[0]));
  spec.gating = ExpertGating::kSoftmax;
  EXPECT_TRUE(std::isnan(choose(spec, {1, nan, 2, 3}).shares[0]));
}

}  // namespace
}  // namespace pith::model
