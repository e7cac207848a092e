#include "eval/divergence.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cfloat>
#include <cmath>
#include <numeric>
#include <random>

#include "eval/kl.h"

namespace pith::eval {
namespace {

using Logits = std::vector<float>;

double divergence(const Logits& p_logits, const Logits& q_logits) {
  Distribution p;
  Distribution q;
  p.assign(p_logits);
  q.assign(q_logits);
  return kl_divergence(p_logits, p, q_logits, q);
}

std::vector<double> log_softmax(const Logits& logits) {
  const auto largest = static_cast<double>(*std::max_element(logits.begin(), logits.end()));
  double total = 0;
  for (const float logit : logits) total += std::exp(static_cast<double>(logit) - largest);
  std::vector<double> logarithms;
  logarithms.reserve(logits.size());
  for (const float logit : logits) logarithms.push_back(static_cast<double>(logit) - largest - std::log(total));
  return logarithms;
}

/// By the definition.
double defined_divergence(const Logits& p_logits, const Logits& q_logits) {
  const std::vector<double> p = log_softmax(p_logits);
  const std::vector<double> q = log_softmax(q_logits);
  double sum = 0;
  for (std::size_t i = 0; i < p.size(); ++i) sum += std::exp(p[i]) * (p[i] - q[i]);
  return sum;
}

Logits random_logits(std::size_t count, unsigned seed, float spread = 4) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal(0, spread);
  Logits logits(count);
  for (float& logit : logits) logit = normal(generator);
  return logits;
}

TEST(Softmax, ByHand) {
  const Logits logits = {std::log(2.0F), 0, std::log(5.0F)};
  Distribution softmax;
  softmax.assign(logits);
  EXPECT_NEAR(softmax.probabilities()[0], 2.0 / 8, 1e-7);
  EXPECT_NEAR(softmax.probabilities()[1], 1.0 / 8, 1e-7);
  EXPECT_NEAR(softmax.probabilities()[2], 5.0 / 8, 1e-7);
  EXPECT_NEAR(softmax.largest() + softmax.log_total(), std::log(8.0), 1e-7);
  EXPECT_EQ(softmax.top(), 2U);
  EXPECT_NEAR(negative_log_likelihood(logits, 1), std::log(8.0), 1e-7);
  EXPECT_NEAR(negative_log_likelihood(logits, 0), std::log(4.0), 1e-7);
}

TEST(Softmax, IsThatOfTheStandardLibrary) {
  for (const std::size_t count : {1U, 7U, 8U, 9U, 1000U}) {
    const Logits logits = random_logits(count, 1, 30);
    const std::vector<double> expected = log_softmax(logits);
    Distribution softmax;
    softmax.assign(logits);
    double sum = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const auto token = static_cast<Token>(i);
      EXPECT_NEAR(softmax.probabilities()[i] / std::exp(expected[i]), 1.0, 1e-13);
      EXPECT_NEAR(negative_log_likelihood(logits, token), -expected[i], 1e-13 * (1 - expected[i]));
      EXPECT_NEAR(negative_log_likelihood(logits, softmax, token), -expected[i], 1e-13 * (1 - expected[i]));
      sum += softmax.probabilities()[i];
    }
    EXPECT_NEAR(sum, 1, 1e-13);
    EXPECT_EQ(softmax.top(), static_cast<std::size_t>(std::max_element(logits.begin(), logits.end()) - logits.begin()));
  }
}

TEST(Softmax, TheFirstOfEqualOnesIsTheTop) {
  for (std::size_t first = 0; first < 20; ++first) {
    Logits logits(20, -1);
    for (std::size_t i = first; i < 20; i += 3) logits[i] = 5;
    Distribution softmax;
    softmax.assign(logits);
    EXPECT_EQ(softmax.top(), first);
  }
}

TEST(Softmax, RowsOfOtherLengths) {
  Distribution softmax;
  softmax.assign(random_logits(100, 3));
  const Logits two = {0, 0};
  softmax.assign(two);
  ASSERT_EQ(softmax.probabilities().size(), 2U);
  EXPECT_DOUBLE_EQ(softmax.probabilities()[1], 0.5);
}

TEST(Divergence, ByHand) {
  // (1/2, 1/2) and (1/4, 3/4).
  EXPECT_NEAR(divergence({0, 0}, {0, std::log(3.0F)}), 0.5 * std::log(2.0) + 0.5 * std::log(2.0 / 3), 1e-7);
  EXPECT_NEAR(divergence({0, std::log(3.0F)}, {0, 0}), 0.25 * std::log(0.5) + 0.75 * std::log(1.5), 1e-7);
  // One nearly certain token against another.
  EXPECT_NEAR(divergence({100, 0}, {0, 100}), 100, 1e-12);
}

TEST(Divergence, IsAsDefined) {
  for (const std::size_t count : {2U, 8U, 13U, 5000U}) {
    const Logits p = random_logits(count, 1);
    Logits q = random_logits(count, 2, 1);
    for (std::size_t i = 0; i < count; ++i) q[i] += p[i] + 50;
    const double expected = defined_divergence(p, q);
    EXPECT_NEAR(divergence(p, q) / expected, 1, 1e-11) << count;
  }
}

// The last bits of a float change the divergence by far less than the definition resolves in float, but not here.
TEST(Divergence, TinyOnesAreRight) {
  const Logits p = random_logits(1000, 1);
  Logits q = p;
  // For a small change d of one logit the divergence is p (1 - p) d^2 / 2.
  constexpr std::size_t kChanged = 17;
  q[kChanged] += 0x1p-14F;
  const double d = static_cast<double>(q[kChanged]) - static_cast<double>(p[kChanged]);
  const double probability = std::exp(log_softmax(p)[kChanged]);
  EXPECT_NEAR(divergence(p, q) / (probability * (1 - probability) * d * d / 2), 1, 1e-3);
}

RC_GTEST_PROP(Divergence, IsNeverNegativeAndZeroOfEqualRows, ()) {
  const auto count = static_cast<std::size_t>(*rc::gen::inRange(1, 200));
  const auto seed = *rc::gen::arbitrary<unsigned>();
  const auto spread = static_cast<float>(*rc::gen::inRange(0, 300));
  const Logits p = random_logits(count, seed, spread);
  RC_ASSERT(divergence(p, p) == 0);
  RC_ASSERT(divergence(p, random_logits(count, seed + 1, spread)) >= 0);
  Logits near = p;
  for (std::size_t i = 0; i < count; i += 3) near[i] = std::nextafter(near[i], 1000.0F);
  RC_ASSERT(divergence(p, near) >= 0);
  RC_ASSERT(divergence(p, near) < 1e-8);
}

TEST(Divergence, ExtremeLogitsStayFinite) {
  const Logits rows[] = {{0, 0, 0},
                         {FLT_MAX, -FLT_MAX, 0},
                         {-FLT_MAX, FLT_MAX, 0},
                         {FLT_MAX, FLT_MAX, FLT_MAX},
                         {-FLT_MAX, -FLT_MAX, -FLT_MAX},
                         {1e4F, 0, -1e4F},
                         {FLT_MIN, -FLT_MIN, FLT_TRUE_MIN}};
  for (const Logits& p : rows) {
    for (const Logits& q : rows) {
      const double kl = divergence(p, q);
      EXPECT_TRUE(std::isfinite(kl));
      EXPECT_GE(kl, 0);
    }
    EXPECT_EQ(divergence(p, p), 0);
    for (Token token = 0; token < 3; ++token) {
      EXPECT_TRUE(std::isfinite(negative_log_likelihood(p, token)));
      EXPECT_GE(negative_log_likelihood(p, token), 0);
    }
  }
}

TEST(Quantile, LiesLinearlyBetweenNeighbours) {
  EXPECT_EQ(quantile({}, 0.5), 0);
  const std::vector<double> one = {7};
  for (const double share : {0.0, 0.3, 1.0}) EXPECT_EQ(quantile(one, share), 7);
  const std::vector<double> four = {1, 2, 4, 8};
  EXPECT_DOUBLE_EQ(quantile(four, 0), 1);
  EXPECT_DOUBLE_EQ(quantile(four, 0.5), 3);
  EXPECT_DOUBLE_EQ(quantile(four, 1.0 / 3), 2);
  EXPECT_DOUBLE_EQ(quantile(four, 0.9), 4 + 0.7 * 4);
  EXPECT_DOUBLE_EQ(quantile(four, 1), 8);
  std::vector<double> many(1001);
  std::iota(many.begin(), many.end(), 0.0);
  EXPECT_DOUBLE_EQ(quantile(many, 0.99), 990);
  EXPECT_DOUBLE_EQ(quantile(many, 0.999), 999);
}

TEST(Figures, ByHand) {
  const std::vector<KlScore> scores = {
      {0.4, 2.0, 1.0, true}, {0.0, 1.0, 1.5, true}, {0.1, 3.0, 3.0, false}, {0.3, 2.0, 2.5, true}};
  const KlFigures figures = figures_of(scores);
  EXPECT_EQ(figures.count, 4U);
  EXPECT_DOUBLE_EQ(figures.mean, 0.2);
  EXPECT_NEAR(figures.standard_error, std::sqrt((0.04 + 0.04 + 0.01 + 0.01) / 3 / 4), 1e-15);
  EXPECT_DOUBLE_EQ(figures.median, 0.2);
  EXPECT_DOUBLE_EQ(figures.percentile_90, 0.3 + 0.7 * 0.1);
  EXPECT_DOUBLE_EQ(figures.percentile_99, 0.3 + 0.97 * 0.1);
  EXPECT_DOUBLE_EQ(figures.percentile_99_9, 0.3 + 0.997 * 0.1);
  EXPECT_DOUBLE_EQ(figures.largest, 0.4);
  EXPECT_DOUBLE_EQ(figures.top_agreement, 0.75);
  EXPECT_DOUBLE_EQ(figures.perplexity, std::exp(2.0));
  EXPECT_DOUBLE_EQ(figures.baseline_perplexity, std::exp(2.0));
  EXPECT_DOUBLE_EQ(figures.perplexity_ratio, 1);
  EXPECT_NEAR(figures.perplexity_ratio_standard_error, std::sqrt((1 + 0.25 + 0 + 0.25) / 3 / 4), 1e-15);
}

TEST(Figures, OfOneAndOfNone) {
  EXPECT_EQ(figures_of({}).count, 0U);
  const std::vector<KlScore> one = {{0.5, 2.0, 1.0, false}};
  const KlFigures figures = figures_of(one);
  EXPECT_EQ(figures.mean, 0.5);
  EXPECT_EQ(figures.standard_error, 0);
  EXPECT_EQ(figures.percentile_99_9, 0.5);
  EXPECT_DOUBLE_EQ(figures.perplexity_ratio, std::exp(1.0));
}

}  // namespace
}  // namespace pith::eval
