#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "policy/random_head.h"

namespace pith::policy {
namespace {

using Matrix = std::vector<std::vector<double>>;

/// Statistics of a group of random queries.
struct RandomQueries {
  RandomQueries(std::size_t group, std::size_t size, std::size_t pairs, bool interleaved, unsigned seed,
                float spread = 1) {
    std::mt19937 generator(seed);
    std::normal_distribution<float> normal(0, spread);
    for (std::size_t n = 0; n < group; ++n) {
      Matrix samples(30, std::vector<double>(size));
      std::vector<double> centre(size);
      for (auto& sample : samples) {
        for (std::size_t i = 0; i < size; ++i) {
          sample[i] = normal(generator) * (i % 3 == 0 ? 2 : 1) + 0.5;
          centre[i] += sample[i] / 30;
        }
      }
      for (std::size_t i = 0; i < size; ++i) {
        mean.push_back(static_cast<float>(centre[i]));
        for (std::size_t j = 0; j < size; ++j) {
          double sum = 0;
          for (const auto& sample : samples) sum += (sample[i] - centre[i]) * (sample[j] - centre[j]);
          covariance.push_back(static_cast<float>(sum / 30));
        }
      }
    }
    for (std::size_t i = 0; i < pairs; ++i) frequencies.push_back(std::pow(100.0, -static_cast<double>(i) / 8.0));
    statistics = {.count = 30, .mean = mean, .covariance = covariance, .rotary = {frequencies, interleaved}};
  }
  RandomQueries(const RandomQueries&) = delete;
  RandomQueries& operator=(const RandomQueries&) = delete;
  ~RandomQueries() = default;

  std::vector<float> mean;
  std::vector<float> covariance;
  std::vector<double> frequencies;
  QueryStatistics statistics;
};

/// Returns the mean of the rotations of the positions as a matrix.
Matrix naive_rotation(const RotaryView& rotary, std::size_t size, int first, int count) {
  Matrix mean(size, std::vector<double>(size));
  for (std::size_t i = 2 * rotary.frequencies.size(); i < size; ++i) mean[i][i] = 1;
  for (int p = first; p < first + count; ++p) {
    for (std::size_t i = 0; i < rotary.frequencies.size(); ++i) {
      const std::size_t x = rotary.interleaved ? 2 * i : i;
      const std::size_t y = rotary.interleaved ? 2 * i + 1 : i + rotary.frequencies.size();
      mean[x][x] += std::cos(p * rotary.frequencies[i]) / count;
      mean[x][y] -= std::sin(p * rotary.frequencies[i]) / count;
      mean[y][x] += std::sin(p * rotary.frequencies[i]) / count;
      mean[y][y] += std::cos(p * rotary.frequencies[i]) / count;
    }
  }
  return mean;
}

/// Computes scale * k . R m + scale^2 / 2 * (R' k)' C (R' k) by its definition.
double naive_logit(const HeadView& head, const std::vector<float>& key, std::size_t member, const Matrix& rotation) {
  const std::size_t size = key.size();
  std::vector<double> turned(size);
  for (std::size_t i = 0; i < size; ++i) {
    for (std::size_t j = 0; j < size; ++j) turned[j] += rotation[i][j] * double{key[i]};
  }
  double linear = 0;
  double quadratic = 0;
  for (std::size_t i = 0; i < size; ++i) {
    linear += turned[i] * double{head.queries->mean[member * size + i]};
    for (std::size_t j = 0; j < size; ++j) {
      quadratic += turned[i] * double{head.queries->covariance[(member * size + i) * size + j]} * turned[j];
    }
  }
  return double{head.scale} * linear + double{head.scale} * double{head.scale} / 2 * quadratic;
}

std::vector<double> naive_scores(const RandomHead& tokens, const HeadView& head, int horizon, double epsilon,
                                 int sinks) {
  const std::size_t group = head.queries->mean.size() / head.key_size;
  const Matrix rotation = naive_rotation(head.queries->rotary, head.key_size, head.position, horizon);
  std::vector<double> attention(head.tokens());
  for (std::size_t n = 0; n < group; ++n) {
    std::vector<double> weights;
    double total = 0;
    for (std::size_t t = 0; t < head.tokens(); ++t) {
      weights.push_back(std::exp(naive_logit(head, tokens.key(t), n, rotation)));
      if (head.positions[t] >= sinks) total += weights.back();
    }
    for (std::size_t t = 0; t < head.tokens(); ++t) attention[t] += weights[t] / total / static_cast<double>(group);
  }
  std::vector<double> scores;
  for (std::size_t t = 0; t < head.tokens(); ++t) {
    double squares = 0;
    for (const float x : tokens.value(t)) squares += double{x} * double{x};
    scores.push_back(std::log((attention[t] + epsilon) * std::sqrt(squares)));
  }
  return scores;
}

RC_GTEST_PROP(ExpectedAttention, IsTheDefinition, ()) {
  const auto seed = *rc::gen::inRange(0U, 1000U);
  const auto tokens = *rc::gen::inRange<std::size_t>(8, 60);
  const auto pairs = *rc::gen::element<std::size_t>(8, 8, 4, 0);
  const auto horizon = *rc::gen::element(1, 7, 512);
  const auto sinks = *rc::gen::element(0, 4);
  const auto epsilon = *rc::gen::element(0.0, 0.02);
  const RandomHead head(tokens, seed);
  const RandomQueries queries(*rc::gen::inRange<std::size_t>(1, 4), 16, pairs, *rc::gen::arbitrary<bool>(), seed);
  HeadView view = head.view();
  view.queries = &queries.statistics;
  const std::vector<float> scores =
      scores_of("expected-attention", view, {{"horizon", horizon}, {"epsilon", epsilon}, {"sinks", sinks}});
  const std::vector<double> expected = naive_scores(head, view, horizon, epsilon, sinks);
  for (std::size_t t = 0; t < tokens; ++t) RC_ASSERT(std::abs(double{scores[t]} - expected[t]) < 1e-4);
}

TEST(ExpectedAttention, Presets) {
  const RandomHead head(40);
  const RandomQueries queries(2, 16, 8, false, 3);
  HeadView view = head.view();
  view.queries = &queries.statistics;
  const std::vector<float> scores = scores_of("expected-attention", view);
  const std::vector<double> expected = naive_scores(head, view, 512, 0.01, 4);
  for (std::size_t t = 0; t < scores.size(); ++t) EXPECT_NEAR(scores[t], expected[t], 1e-4);
  const PolicyNeeds needs = make_policy("expected-attention")->needs();
  EXPECT_TRUE(needs.keys && needs.values && needs.query_statistics);
  EXPECT_EQ(needs.queries, 0);
}

TEST(ExpectedAttention, LogitsOfHundredsStillRank) {
  RandomHead head(40);
  // exp() of these would be infinite, and all tokens would score the same.
  std::fill(head.keys.begin(), head.keys.end(), 0.0F);
  for (std::size_t t = 0; t < 40; ++t) head.keys[t * 16] = static_cast<float>(t + 1);
  for (float& x : head.values) x = 1;
  RandomQueries queries(1, 16, 0, false, 3);
  queries.mean[0] = 1e4F;
  HeadView view = head.view();
  view.queries = &queries.statistics;
  const std::vector<float> scores = scores_of("expected-attention", view, {{"epsilon", 0}});
  for (std::size_t t = 1; t < scores.size(); ++t) EXPECT_GT(scores[t], scores[t - 1]);
}

TEST(ExpectedAttention, AKeyThatIsNoNumberIsAsIfItWereNotThere) {
  RandomHead head(40);
  const RandomQueries queries(1, 16, 8, false, 3);
  HeadView view = head.view();
  view.queries = &queries.statistics;
  const std::vector<float> before = scores_of("expected-attention", view, {{"epsilon", 0}});
  double squares = 0;
  for (const float x : head.value(20)) squares += double{x} * double{x};
  const double share = std::exp(double{before[20]}) / std::sqrt(squares);
  head.keys[20 * 16] = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> after = scores_of("expected-attention", view, {{"epsilon", 0}});
  EXPECT_LT(after[20], -1e20F);
  // The other tokens get its share.
  for (std::size_t t = 0; t < after.size(); ++t) {
    const double moved = double{after[t]} - double{before[t]};
    EXPECT_TRUE(t == 20 || std::abs(moved + std::log(1 - share)) < 1e-4) << "token " << t << " by " << moved;
  }
}

TEST(ExpectedAttention, BeforeTheFirstQueryValuesDecide) {
  const RandomHead head(40);
  const std::vector<float> scores = scores_of("expected-attention", head.view());
  for (std::size_t t = 1; t < scores.size(); ++t) {
    double lengths[2] = {};
    for (const float x : head.value(t - 1)) lengths[0] += double{x} * double{x};
    for (const float x : head.value(t)) lengths[1] += double{x} * double{x};
    EXPECT_EQ(scores[t] > scores[t - 1], lengths[1] > lengths[0]);
  }
}

TEST(ExpectedAttention, AFrequencyOfZeroTurnsNothing) {
  const RandomHead head(20);
  const RandomQueries turned(1, 16, 0, false, 5);
  RandomQueries still(1, 16, 8, false, 5);
  std::fill(still.frequencies.begin(), still.frequencies.end(), 0.0);
  HeadView view = head.view();
  view.queries = &turned.statistics;
  const std::vector<float> expected = scores_of("expected-attention", view);
  view.queries = &still.statistics;
  EXPECT_EQ(scores_of("expected-attention", view), expected);
}

}  // namespace
}  // namespace pith::policy
