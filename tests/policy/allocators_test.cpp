#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <random>

#include "policy/apportion.h"
#include "policy/random_head.h"

namespace pith::policy {
namespace {

using Counts = std::vector<std::size_t>;

/// Makes heads of random layers with random scores.
struct RandomHeads {
  RandomHeads() = default;
  RandomHeads(const Counts& heads_by_layer, std::size_t candidates, unsigned seed) {
    std::mt19937 generator(seed);
    std::exponential_distribution<float> exponential(1);
    for (std::size_t l = 0; l < heads_by_layer.size(); ++l) {
      for (std::size_t h = 0; h < heads_by_layer[l]; ++h) {
        std::vector<float> head(candidates);
        const float sharpness = 1 + static_cast<float>(generator() % 4);
        for (float& score : head) score = std::pow(exponential(generator), sharpness);
        add(l, std::move(head));
      }
    }
  }

  void add(std::size_t layer, std::vector<float> head) {
    layers.push_back(static_cast<int>(layer));
    scores.push_back(std::move(head));
  }

  std::vector<HeadScores> views() const {
    std::vector<HeadScores> heads;
    for (std::size_t i = 0; i < scores.size(); ++i) heads.push_back({layers[i], static_cast<int>(i), scores[i]});
    return heads;
  }

  std::size_t candidates() const {
    std::size_t sum = 0;
    for (const auto& head : scores) sum += head.size();
    return sum;
  }

  Counts allocate(std::string_view allocator, std::size_t total, const PolicyParameters& parameters = {}) const {
    Counts budgets(scores.size());
    make_allocator(allocator, parameters)->allocate(views(), total, budgets);
    return budgets;
  }

  std::vector<int> layers;
  std::vector<std::vector<float>> scores;
};

RandomHeads any_heads() {
  RandomHeads heads;
  const auto layers = *rc::gen::inRange<std::size_t>(1, 6);
  for (std::size_t l = 0; l < layers; ++l) {
    const auto count = *rc::gen::inRange<std::size_t>(1, 4);
    for (std::size_t h = 0; h < count; ++h) {
      // Integers, so that many are equal.
      const auto scores = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 9));
      heads.add(l * 2, {scores.begin(), scores.end()});
    }
  }
  return heads;
}

RC_GTEST_PROP(EveryAllocator, UsesTheBudgetAndNoMore, ()) {
  const RandomHeads heads = any_heads();
  const auto total = *rc::gen::inRange<std::size_t>(0, 400);
  for (const std::string& allocator : builtin_allocators()) {
    const Counts budgets = heads.allocate(allocator, total);
    for (std::size_t i = 0; i < budgets.size(); ++i) RC_ASSERT(budgets[i] <= heads.scores[i].size());
    RC_ASSERT(std::accumulate(budgets.begin(), budgets.end(), std::size_t{0}) == std::min(total, heads.candidates()));
  }
}

TEST(EveryAllocator, TakesNoHeads) {
  for (const std::string& allocator : builtin_allocators()) EXPECT_TRUE(RandomHeads().allocate(allocator, 10).empty());
}

TEST(EveryAllocator, TakesScoresThatAreNoNumbers) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  RandomHeads heads;
  heads.add(0, {kNan, kNan, kNan, 1.0F});
  heads.add(0, {1.0F, std::numeric_limits<float>::infinity(), -1.0F, kNan});
  for (const std::string& allocator : builtin_allocators()) {
    const Counts budgets = heads.allocate(allocator, 5);
    EXPECT_EQ(budgets[0] + budgets[1], 5U) << allocator;
  }
}

RC_GTEST_PROP(Uniform, DiffersByOneOrIsFull, ()) {
  const RandomHeads heads = any_heads();
  const Counts budgets = heads.allocate("uniform", *rc::gen::inRange<std::size_t>(0, 200));
  const std::size_t most = *std::max_element(budgets.begin(), budgets.end());
  for (std::size_t i = 0; i < budgets.size(); ++i) {
    RC_ASSERT(budgets[i] + 1 >= most || budgets[i] == heads.scores[i].size());
  }
}

TEST(Pyramid, DecreasesEvenlyAndKeepsTheSum) {
  // a = 100 tokens per head, beta = 20: from 195 in layer 0 to 5 in layer 19, in steps of 10.
  const RandomHeads heads(Counts(20, 3), 1000, 1);
  const Counts budgets = heads.allocate("pyramid", 100 * 60);
  for (std::size_t i = 0; i < budgets.size(); ++i) EXPECT_EQ(budgets[i], 195 - 10 * (i / 3)) << "head " << i;
}

TEST(Pyramid, BetaSaysHowSteep) {
  const RandomHeads heads(Counts(4, 1), 1000, 1);
  EXPECT_EQ(heads.allocate("pyramid", 400, {{"beta", 1}}), (Counts{100, 100, 100, 100}));
  EXPECT_EQ(heads.allocate("pyramid", 400, {{"beta", 2}}), (Counts{150, 117, 83, 50}));
  EXPECT_EQ(heads.allocate("pyramid", 400, {{"beta", 10}}), (Counts{190, 130, 70, 10}));
}

TEST(Pyramid, IsFlatterWhereTheFirstLayerIsFull) {
  // 2 a - a / beta would be 195, but a head holds 140.
  const RandomHeads heads(Counts(5, 1), 140, 1);
  EXPECT_EQ(heads.allocate("pyramid", 500), (Counts{140, 120, 100, 80, 60}));
}

TEST(Pyramid, OneLayerIsUniform) {
  const RandomHeads heads(Counts{4}, 50, 1);
  EXPECT_EQ(heads.allocate("pyramid", 80), Counts(4, 20));
}

RC_GTEST_PROP(Pyramid, NeverRises, ()) {
  const auto layers = *rc::gen::inRange<std::size_t>(1, 12);
  const auto total = *rc::gen::inRange<std::size_t>(0, 1500);
  const PolicyParameters parameters = {{"beta", *rc::gen::inRange(1, 40)}};
  const RandomHeads heads(Counts(layers, 2), *rc::gen::inRange<std::size_t>(1, 100), 1);
  const Counts budgets = heads.allocate("pyramid", total, parameters);
  // Rounding may differ by one.
  for (std::size_t i = 1; i < budgets.size(); ++i) RC_ASSERT(budgets[i] <= budgets[i - 1] + 1);
}

/// Reference: sorts all scores of a layer.
Counts naive_top_counts(const RandomHeads& heads, std::size_t begin, std::size_t end, std::size_t best) {
  std::vector<std::pair<float, std::size_t>> all;
  for (std::size_t i = begin; i < end; ++i) {
    for (const float score : heads.scores[i]) all.emplace_back(score, i - begin);
  }
  std::sort(all.rbegin(), all.rend());
  Counts counts(end - begin);
  for (std::size_t n = 0; n < best; ++n) ++counts[all[n].second];
  return counts;
}

RC_GTEST_PROP(Adaptive, WithoutSafeguardKeepsTheHighestScoresOfTheLayer, ()) {
  const auto layers = *rc::gen::inRange<std::size_t>(1, 4);
  const auto a = *rc::gen::inRange<std::size_t>(0, 40);
  const RandomHeads heads(Counts(layers, 3), 40, *rc::gen::inRange(0U, 99U));
  const Counts budgets = heads.allocate("adaptive", layers * 3 * a, {{"alpha", 0}});
  for (std::size_t l = 0; l < layers; ++l) {
    const Counts expected = naive_top_counts(heads, l * 3, l * 3 + 3, 3 * a);
    RC_ASSERT(Counts(&budgets[l * 3], &budgets[l * 3] + 3) == expected);
  }
}

RC_GTEST_PROP(Adaptive, MixesWithTheSafeguard, ()) {
  const RandomHeads heads(Counts{4}, 100, *rc::gen::inRange(0U, 99U));
  const auto a = *rc::gen::inRange<std::size_t>(1, 100);
  const Counts top = naive_top_counts(heads, 0, 4, 4 * a);
  for (const double alpha : {0.0, 0.2, 0.5, 1.0}) {
    const Counts budgets = heads.allocate("adaptive", 4 * a, {{"alpha", alpha}});
    for (std::size_t h = 0; h < 4; ++h) {
      const double ideal = (1 - alpha) * static_cast<double>(top[h]) + alpha * static_cast<double>(a);
      RC_ASSERT(std::abs(static_cast<double>(budgets[h]) - ideal) < 1.0);
      RC_ASSERT(static_cast<double>(budgets[h]) > alpha * static_cast<double>(a) - 1.0);
    }
  }
  RC_ASSERT(heads.allocate("adaptive", 4 * a) == heads.allocate("adaptive", 4 * a, {{"alpha", 0.2}}));
}

TEST(Adaptive, LayersKeepTheSameUnlessToldOtherwise) {
  RandomHeads heads;
  heads.add(0, std::vector<float>(50, 2.0F));
  heads.add(0, std::vector<float>(50, 1.0F));
  heads.add(1, std::vector<float>(50, 8.0F));
  heads.add(1, std::vector<float>(50, 9.0F));
  EXPECT_EQ(heads.allocate("adaptive", 80, {{"alpha", 0}}), (Counts{40, 0, 0, 40}));
  EXPECT_EQ(heads.allocate("adaptive", 80, {{"alpha", 0}, {"across_layers", 1}}), (Counts{0, 0, 30, 50}));
}

TEST(Adaptive, EqualScoresShareEvenly) {
  RandomHeads heads;
  for (int h = 0; h < 4; ++h) heads.add(0, std::vector<float>(50, 1.0F));
  EXPECT_EQ(heads.allocate("adaptive", 80), Counts(4, 20));
}

RC_GTEST_PROP(Apportion, IsWithinOneOfTheShareWhereNothingIsFull, ()) {
  const auto whole = *rc::gen::nonEmpty(rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 50)));
  const std::vector<double> weights(whole.begin(), whole.end());
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  RC_PRE(sum > 0);
  const auto total = *rc::gen::inRange<std::size_t>(0, 500);
  Counts shares(weights.size());
  apportion(weights, Counts(weights.size(), 1000), total, shares);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    RC_ASSERT(std::abs(static_cast<double>(shares[i]) - static_cast<double>(total) * weights[i] / sum) < 1.0);
  }
  RC_ASSERT(std::accumulate(shares.begin(), shares.end(), std::size_t{0}) == total);
}

TEST(Apportion, WhatDoesNotFitGoesToTheOthersInProportion) {
  Counts shares(3);
  apportion(std::vector<double>{6, 2, 1}, Counts{10, 100, 100}, 40, shares);
  EXPECT_EQ(shares, (Counts{10, 20, 10}));
  apportion(std::vector<double>{1, 0, 0}, Counts{10, 100, 5}, 40, shares);
  EXPECT_EQ(shares, (Counts{10, 25, 5})) << "who asked for nothing takes what is left";
}

}  // namespace
}  // namespace pith::policy
