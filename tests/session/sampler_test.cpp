#include <gtest/gtest.h>
#include <pith/error.h>
#include <pith/sampling.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <map>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "support/refusal.h"

namespace pith::session {
namespace {

using Logits = std::vector<float>;
using Tokens = std::vector<Token>;

/// Token to probability, by the book: everything sorted, in double.
using Distribution = std::map<Token, double>;

Logits penalized(Logits logits, const SamplingOptions& options, const Tokens& history) {
  for (const auto& [token, bias] : options.logit_bias) logits[static_cast<std::size_t>(token)] += bias;
  std::map<Token, int> counts;
  const std::size_t window =
      options.penalty_window < 0 ? history.size() : static_cast<std::size_t>(options.penalty_window);
  for (std::size_t i = history.size() - std::min(window, history.size()); i < history.size(); ++i) ++counts[history[i]];
  for (const auto& [token, count] : counts) {
    float& logit = logits[static_cast<std::size_t>(token)];
    if (logit > 0) {
      logit /= options.repetition_penalty;
    } else {
      logit *= options.repetition_penalty;
    }
    logit -= options.presence_penalty + options.frequency_penalty * static_cast<float>(count);
  }
  return logits;
}

Distribution normalized(const Tokens& tokens, const Logits& logits, double temperature) {
  Distribution result;
  double total = 0;
  const double top = static_cast<double>(*std::max_element(logits.begin(), logits.end()));
  for (const Token token : tokens) {
    const double weight = std::exp((static_cast<double>(logits[static_cast<std::size_t>(token)]) - top) / temperature);
    result[token] = weight;
    total += weight;
  }
  for (auto& [token, probability] : result) probability /= total;
  return result;
}

Distribution by_the_book(const Logits& raw, const SamplingOptions& options, const Tokens& history = {}) {
  const Logits logits = penalized(raw, options, history);
  const auto temperature = static_cast<double>(options.temperature);
  Tokens order(logits.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](Token a, Token b) {
    return logits[static_cast<std::size_t>(a)] > logits[static_cast<std::size_t>(b)];
  });
  if (options.top_k > 0) order.resize(std::min(order.size(), static_cast<std::size_t>(options.top_k)));
  Distribution all = normalized(order, logits, temperature);
  std::size_t kept = 0;
  for (double reached = 0; kept < order.size() && (kept == 0 || reached < static_cast<double>(options.top_p)); ++kept) {
    reached += all[order[kept]];
  }
  order.resize(options.top_p < 1 ? kept : order.size());
  const double least = static_cast<double>(options.min_p) * all[order[0]];
  std::erase_if(order, [&](Token token) { return all[token] < least; });
  return normalized(order, logits, temperature);
}

std::map<Token, int> draw_many(Sampler& sampler, const Logits& logits, int count, const Tokens& history = {}) {
  std::map<Token, int> seen;
  for (int i = 0; i < count; ++i) ++seen[sampler.sample(logits, history)];
  return seen;
}

/// Fails if tokens come that should not, or too often or seldom: chi-square at about 1 in 1e5, rare tokens together.
void expect_distribution(const Logits& logits, const SamplingOptions& options, const Tokens& history = {},
                         int draws = 20000) {
  Sampler sampler(options, static_cast<int>(logits.size()));
  const std::map<Token, int> seen = draw_many(sampler, logits, draws, history);
  const Distribution expected = by_the_book(logits, options, history);
  for (const auto& [token, count] : seen)
    ASSERT_TRUE(expected.contains(token)) << token << " came " << count << " times";

  double chi_square = 0;
  double rare_expected = 0;
  double rare_seen = 0;
  int cells = 0;
  for (const auto& [token, probability] : expected) {
    const double mean = probability * draws;
    const double count = seen.contains(token) ? seen.at(token) : 0;
    if (mean < 10) {
      rare_expected += mean;
      rare_seen += count;
      continue;
    }
    chi_square += (count - mean) * (count - mean) / mean;
    ++cells;
  }
  if (rare_expected > 0)
    chi_square += (rare_seen - rare_expected) * (rare_seen - rare_expected) / std::max(rare_expected, 10.0);
  const double freedom = cells;
  EXPECT_LT(chi_square, freedom + 4.3 * std::sqrt(2 * freedom) + 12) << cells << " cells";
}

Logits some_logits(std::size_t count, double deviation, std::uint64_t seed) {
  Rng rng(seed);
  Logits logits(count);
  for (float& logit : logits) {
    // A sum of uniform numbers is nearly normal.
    double sum = 0;
    for (int i = 0; i < 12; ++i) sum += rng.uniform();
    logit = static_cast<float>((sum - 6) * deviation);
  }
  return logits;
}

SamplingOptions warm(float temperature = 1.0F) {
  SamplingOptions options;
  options.temperature = temperature;
  options.seed = 5;
  return options;
}

void expect_refused(const SamplingOptions& options, const std::string& field) {
  test::expect_error(ErrorKind::kInvalidArgument, field, [&] { Sampler sampler(options, 10); });
}

void expect_fails(ErrorKind kind, const Logits& logits, const SamplingOptions& options = {}) {
  Sampler sampler(options, 4);
  test::refusal(kind, [&] { sampler.sample(logits, {}); });
}

/// Few different values, so that there are ties.
rc::Gen<Logits> tied_logits() {
  return rc::gen::nonEmpty(rc::gen::container<Logits>(
      rc::gen::map(rc::gen::inRange(-6, 7), [](int value) { return static_cast<float>(value) * 0.5F; })));
}

RC_GTEST_PROP(Sampler, GreedyTakesTheFirstOfTheLikeliest, ()) {
  const Logits logits = *tied_logits();
  Sampler sampler(SamplingOptions{}, static_cast<int>(logits.size()));
  const auto best = std::max_element(logits.begin(), logits.end()) - logits.begin();
  RC_ASSERT(sampler.sample(logits, {}) == static_cast<Token>(best));
}

RC_GTEST_PROP(Sampler, DrawsOnlyWhatTheBookAllows, ()) {
  const Logits logits = *tied_logits();
  SamplingOptions options = warm(static_cast<float>(*rc::gen::inRange(1, 30)) * 0.1F);
  options.top_k = *rc::gen::inRange(0, 12);
  options.top_p = static_cast<float>(*rc::gen::inRange(0, 101)) * 0.01F;
  options.min_p = static_cast<float>(*rc::gen::inRange(0, 101)) * 0.01F;
  options.seed = *rc::gen::arbitrary<std::uint64_t>();
  // The sets are compared a hair apart from each limit, where rounding cannot decide.
  SamplingOptions wider = options;
  wider.top_p = std::min(options.top_p + 1e-5F, 1.0F);
  wider.min_p = std::max(options.min_p - 1e-5F, 0.0F);
  const Distribution allowed = by_the_book(logits, wider);
  Sampler sampler(options, static_cast<int>(logits.size()));
  for (const auto& [token, count] : draw_many(sampler, logits, 50)) RC_ASSERT(allowed.contains(token));
}

RC_GTEST_PROP(Sampler, TheSameSeedDrawsTheSame, ()) {
  const Logits logits = *tied_logits();
  SamplingOptions options = warm();
  options.seed = *rc::gen::arbitrary<std::uint64_t>();
  const int vocab = static_cast<int>(logits.size());
  Sampler first(options, vocab);
  Sampler second(options, vocab);
  for (int i = 0; i < 20; ++i) RC_ASSERT(first.sample(logits, {}) == second.sample(logits, {}));
}

RC_GTEST_PROP(Sampler, PenaltiesCountTheWindow, ()) {
  const Logits logits = *tied_logits();
  const int vocab = static_cast<int>(logits.size());
  const auto history = *rc::gen::container<Tokens>(rc::gen::inRange(0, vocab));
  SamplingOptions options;
  options.repetition_penalty = static_cast<float>(*rc::gen::inRange(5, 20)) * 0.1F;
  options.presence_penalty = static_cast<float>(*rc::gen::inRange(-10, 10)) * 0.1F;
  options.frequency_penalty = static_cast<float>(*rc::gen::inRange(-10, 10)) * 0.1F;
  options.penalty_window = *rc::gen::inRange(-1, 8);
  const Logits expected = penalized(logits, options, history);
  Sampler sampler(options, vocab);
  // Twice: nothing is left in the buffers.
  for (int i = 0; i < 2; ++i) {
    const Token best = static_cast<Token>(std::max_element(expected.begin(), expected.end()) - expected.begin());
    RC_ASSERT(sampler.sample(logits, history) == best);
  }
}

TEST(Sampler, DrawsByProbability) {
  expect_distribution(some_logits(50, 1.0, 1), warm());
  expect_distribution(some_logits(50, 3.0, 2), warm(0.5F));
  expect_distribution(some_logits(300, 2.0, 3), warm(2.0F));
}

TEST(Sampler, TopKKeepsTheLikeliest) {
  for (const int k : {1, 2, 7, 49, 50, 51, 1000}) {
    SamplingOptions options = warm();
    options.top_k = k;
    expect_distribution(some_logits(50, 1.0, 4), options);
  }
}

TEST(Sampler, TopKKeepsExactlyKOfEquals) {
  SamplingOptions options = warm();
  options.top_k = 3;
  Sampler sampler(options, 20);
  const std::map<Token, int> seen = draw_many(sampler, Logits(20, 1.0F), 1000);
  ASSERT_EQ(seen.size(), 3U);
  EXPECT_EQ(seen.rbegin()->first, 2);
}

TEST(Sampler, TopPKeepsTheSmallestSetThatReachesIt) {
  for (const float p : {0.0F, 0.1F, 0.5F, 0.9F, 0.99F, 0.9999F}) {
    SamplingOptions options = warm();
    options.top_p = p;
    expect_distribution(some_logits(200, 2.0, 5), options);
  }
}

TEST(Sampler, TopPIsReachedExactly) {
  SamplingOptions options = warm();
  options.top_p = 0.5F;
  Sampler sampler(options, 4);
  const std::map<Token, int> seen = draw_many(sampler, Logits(4, 1.0F), 200);
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(seen.rbegin()->first, 1);
}

TEST(Sampler, MinPKeepsWhatIsNearTheLikeliest) {
  for (const float p : {0.01F, 0.3F, 0.99F, 1.0F}) {
    SamplingOptions options = warm();
    options.min_p = p;
    expect_distribution(some_logits(200, 2.0, 6), options);
  }
}

TEST(Sampler, FiltersFollowEachOther) {
  SamplingOptions options = warm(1.5F);
  options.top_k = 30;
  options.top_p = 0.9F;
  options.min_p = 0.05F;
  options.repetition_penalty = 1.3F;
  options.presence_penalty = 0.2F;
  options.frequency_penalty = 0.4F;
  options.logit_bias = {{3, 4.0F}, {4, -std::numeric_limits<float>::infinity()}};
  expect_distribution(some_logits(200, 2.0, 7), options, {1, 2, 3, 3, 3, 4, 199});
}

TEST(Sampler, ALargeVocabularyWithAFewOfIt) {
  constexpr int kDraws = 500;
  const Logits logits = some_logits(PITH_SANITIZED != 0 ? 15000 : 150000, 2.5, 8);
  SamplingOptions options = warm();
  options.top_k = 40;
  expect_distribution(logits, options, {}, kDraws);
  options.top_k = 0;
  options.top_p = 0.02F;
  expect_distribution(logits, options, {}, kDraws);
}

TEST(Sampler, ExtremeLogitsAndTemperatures) {
  const Logits logits = {-1e38F, 3e38F, 0.0F, 3e38F};
  Sampler sampler(warm(), 4);
  for (const auto& [token, count] : draw_many(sampler, logits, 200)) EXPECT_TRUE(token == 1 || token == 3);
  Sampler cold(warm(std::numeric_limits<float>::denorm_min()), 4);
  EXPECT_EQ(cold.sample(Logits{1.0F, 2.0F, 1.5F, 0.0F}, {}), 1);
  Sampler hot(warm(std::numeric_limits<float>::max()), 4);
  EXPECT_EQ(draw_many(hot, Logits{0.0F, 1.0F, 2.0F, 3.0F}, 500).size(), 4U);
}

TEST(Sampler, BiasBansAndFavours) {
  SamplingOptions options = warm();
  options.logit_bias[2] = -std::numeric_limits<float>::infinity();
  Sampler sampler(options, 4);
  EXPECT_FALSE(draw_many(sampler, Logits{0.0F, 0.0F, 50.0F, 0.0F}, 300).contains(2));
  SamplingOptions greedy;
  greedy.logit_bias[3] = 10.0F;
  EXPECT_EQ(Sampler(greedy, 4).sample(Logits{0.0F, 1.0F, 2.0F, 0.0F}, {}), 3);
}

TEST(Sampler, StateGoesOn) {
  const Logits logits = some_logits(100, 1.0, 9);
  Sampler sampler(warm(), 100);
  draw_many(sampler, logits, 10);
  Sampler later(warm(), 100);
  later.set_rng_state(sampler.rng_state());
  for (int i = 0; i < 50; ++i) ASSERT_EQ(later.sample(logits, {}), sampler.sample(logits, {}));
}

TEST(Sampler, TakesOneNumberForAToken) {
  const Logits logits = some_logits(100, 1.0, 10);
  SamplingOptions options = warm();
  options.top_k = 1;
  Sampler sampler(options, 100);
  Rng rng(options.seed);
  for (int i = 0; i < 5; ++i) {
    sampler.sample(logits, {});
    rng.next();
    EXPECT_EQ(sampler.rng_state(), rng.state());
  }
}

// What came out when this was written: a change here changes what every user's seed gives.
TEST(Sampler, DrawsTheSameEverywhere) {
  SamplingOptions options = warm(0.8F);
  options.top_p = 0.95F;
  options.seed = 2026;
  Sampler sampler(options, 1000);
  const Logits logits = some_logits(1000, 2.0, 11);
  Tokens drawn;
  for (int i = 0; i < 8; ++i) drawn.push_back(sampler.sample(logits, drawn));
  EXPECT_EQ(drawn, (Tokens{645, 978, 960, 828, 960, 460, 225, 961}));
}

TEST(Sampler, OptionsOutOfRangeAreRefused) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  const auto refused = [](const char* field, const auto& change) {
    SamplingOptions options;
    change(options);
    expect_refused(options, field);
  };
  for (const float value : {-0.1F, nan, infinity}) {
    refused("temperature", [&](SamplingOptions& options) { options.temperature = value; });
  }
  for (const float value : {-0.1F, 1.1F, nan}) {
    refused("top_p", [&](SamplingOptions& options) { options.top_p = value; });
    refused("min_p", [&](SamplingOptions& options) { options.min_p = value; });
  }
  for (const float value : {0.0F, -1.0F, nan, infinity}) {
    refused("repetition_penalty", [&](SamplingOptions& options) { options.repetition_penalty = value; });
  }
  for (const float value : {nan, infinity, -infinity}) {
    refused("presence_penalty", [&](SamplingOptions& options) { options.presence_penalty = value; });
    refused("frequency_penalty", [&](SamplingOptions& options) { options.frequency_penalty = value; });
  }
  for (const float value : {nan, infinity}) {
    refused("logit_bias", [&](SamplingOptions& options) { options.logit_bias[1] = value; });
  }
  refused("top_k", [](SamplingOptions& options) { options.top_k = -1; });
  refused("penalty_window", [](SamplingOptions& options) { options.penalty_window = -2; });
  refused("logit_bias", [](SamplingOptions& options) { options.logit_bias[10] = 1.0F; });
  refused("logit_bias", [](SamplingOptions& options) { options.logit_bias[-1] = 1.0F; });
}

TEST(Sampler, BadLogitsAreRefused) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  for (const float bad : {nan, -nan, infinity, -infinity}) {
    expect_fails(ErrorKind::kNumeric, {0.0F, 1.0F, bad, 2.0F});
    expect_fails(ErrorKind::kNumeric, {bad, 1.0F, 0.0F, 2.0F}, warm());
  }
  expect_fails(ErrorKind::kInvalidArgument, {0.0F, 1.0F});
  SamplingOptions banned;
  for (Token token = 0; token < 4; ++token) banned.logit_bias[token] = -infinity;
  expect_fails(ErrorKind::kInvalidArgument, {0.0F, 1.0F, 2.0F, 3.0F}, banned);
  SamplingOptions favoured;
  favoured.logit_bias[0] = std::numeric_limits<float>::max();
  expect_fails(ErrorKind::kNumeric, {3e38F, 1.0F, 2.0F, 3.0F}, favoured);
}

}  // namespace
}  // namespace pith::session
