#include <gtest/gtest.h>
#include <pith/error.h>

#include <cstring>
#include <functional>
#include <string>

#include "session/sampler_inputs.h"

// Stages that cut, each against its definition.
namespace pith::test {
namespace {

constexpr long double kHair = 1e-9L;

/// Whether `left` are the first tokens by `distance` that reach `goal`, as far as rounding cannot tell.
void expect_first_to_reach(const std::set<Token>& left, const Distribution& all, long double goal,
                           const std::function<long double(Token)>& distance) {
  RC_ASSERT(!left.empty());
  long double reached = 0;
  Token last = *left.begin();
  for (const Token token : left) {
    reached += all.at(token);
    if (distance(token) > distance(last)) last = token;
  }
  RC_ASSERT(reached >= goal - kHair);
  // Without the last of them, one of several alike perhaps, it is not reached.
  if (left.size() > 1) RC_ASSERT(reached - all.at(last) < goal + kHair);
  for (const auto& [token, p] : all) {
    if (!left.contains(token)) RC_ASSERT(distance(token) >= distance(last) - kHair);
  }
}

RC_GTEST_PROP(TypicalP, KeepsTheNearestToTheEntropy, ()) {
  const Logits logits = *some_logits();
  const double temperature = *rc::gen::inRange(1, 30) * 0.1;
  const auto p = static_cast<float>(*rc::gen::inRange(0, 100)) * 0.01F;
  const Distribution all = softmax(logits, temperature);
  long double entropy = 0;
  for (const auto& [token, q] : all) entropy -= q * std::log(q);
  const auto left = Applied(stages::typical_p(p), logits, {}, temperature).left();
  expect_first_to_reach(left, all, static_cast<long double>(p),
                        [&](Token token) { return std::abs(-std::log(all.at(token)) - entropy); });
}

TEST(TypicalP, MayCutTheLikeliest) {
  // The first token has too little surprise: 0.81 nats, where 2.86 are expected. The others have 4.50.
  Logits logits(51, 0.0F);
  logits[0] = std::log(40.0F);
  const auto left = Applied(stages::typical_p(0.395F), logits).left();
  EXPECT_FALSE(left.contains(0));
  EXPECT_EQ(left.size(), 36U);
  // Those alike are kept from the lowest id.
  EXPECT_EQ(*left.rbegin(), 36);
}

RC_GTEST_PROP(TopP, KeepsTheLikeliestThatReachIt, ()) {
  const Logits logits = *some_logits();
  const auto p = static_cast<float>(*rc::gen::inRange(0, 100)) * 0.01F;
  const Distribution all = softmax(logits, 1.0);
  const auto left = Applied(stages::top_p(p), logits).left();
  expect_first_to_reach(left, all, static_cast<long double>(p), [&](Token token) { return -all.at(token); });
}

RC_GTEST_PROP(MinP, KeepsWhatIsNearTheLikeliest, ()) {
  const Logits logits = *some_logits();
  const auto p = static_cast<float>(*rc::gen::inRange(0, 101)) * 0.01F;
  const Distribution all = softmax(logits, 1.0);
  long double most = 0;
  for (const auto& [token, q] : all) most = std::max(most, q);
  const auto left = Applied(stages::min_p(p), logits).left();
  for (const auto& [token, q] : all) {
    const long double margin = q - static_cast<long double>(p) * most;
    if (std::abs(margin) > kHair) RC_ASSERT(left.contains(token) == (margin > 0));
  }
  RC_ASSERT(!left.empty());
}

RC_GTEST_PROP(TopK, KeepsTheKLikeliest, ()) {
  const Logits logits = *some_logits();
  const int k = *rc::gen::inRange(1, 12);
  Tokens order;
  for (const auto& [token, q] : softmax(logits, 1.0)) order.push_back(token);
  std::stable_sort(order.begin(), order.end(), [&](Token a, Token b) {
    return logits[static_cast<std::size_t>(a)] > logits[static_cast<std::size_t>(b)];
  });
  order.resize(std::min(order.size(), static_cast<std::size_t>(k)));
  RC_ASSERT(Applied(stages::top_k(k), logits).left() == std::set<Token>(order.begin(), order.end()));
  // The same where a list was made before.
  Candidates candidates(logits);
  candidates.keep_if([](const Candidate&) { return true; });
  candidates.keep_top(static_cast<std::size_t>(k));
  for (std::size_t i = 0; static_cast<std::size_t>(k) < logits.size() && i < order.size(); ++i)
    RC_ASSERT(candidates.list()[i].token == order[i]);
}

/// With probability 1: what XTC cuts.
RC_GTEST_PROP(Xtc, CutsAllThatReachTheThresholdButTheLast, ()) {
  const Logits logits = *some_logits();
  const auto threshold = static_cast<float>(*rc::gen::inRange(1, 60)) * 0.01F + 0.001F;
  Distribution all = softmax(logits, 1.0);
  Tokens top;
  for (const auto& [token, q] : all) {
    const long double margin = q - static_cast<long double>(threshold);
    RC_PRE(std::abs(margin) > kHair);
    if (margin > 0) top.push_back(token);
  }
  std::stable_sort(top.begin(), top.end(), [&](Token a, Token b) { return all.at(a) > all.at(b) + kHair; });
  std::set<Token> expected;
  for (const auto& [token, q] : all) expected.insert(token);
  for (std::size_t i = 0; i + 1 < top.size(); ++i) expected.erase(top[i]);
  RC_ASSERT(Applied(stages::xtc(1.0F, threshold), logits).left() == expected);
}

TEST(Xtc, ComesAsOftenAsItShould) {
  const Logits logits = {2.0F, 2.0F, 0.0F};
  for (const float probability : {0.0F, 0.3F, 1.0F}) {
    int cuts = 0;
    for (std::uint64_t seed = 0; seed < 2000; ++seed) {
      Applied applied(stages::xtc(probability, 0.1F), logits, {}, 1.0, seed);
      cuts += applied.left().size() == 3U ? 0 : 1;
      Rng one(seed);
      one.next();
      ASSERT_EQ(applied.rng.state(), one.state());
    }
    EXPECT_NEAR(cuts, 2000.0 * static_cast<double>(probability), 90.0) << probability;
  }
}

double mu_of(const SamplerStage& stage) {
  const std::vector<std::byte> bytes = stage.state();
  double mu = 0;
  EXPECT_EQ(bytes.size(), sizeof mu);
  std::memcpy(&mu, bytes.data(), sizeof mu);
  return mu;
}

RC_GTEST_PROP(Mirostat, KeepsSurprisesUpToMuAndLearnsIt, ()) {
  const Logits logits = *some_logits();
  const auto tau = static_cast<float>(*rc::gen::inRange(0, 60)) * 0.1F;
  const auto eta = static_cast<float>(*rc::gen::inRange(0, 20)) * 0.1F;
  const double temperature = *rc::gen::inRange(1, 30) * 0.1;
  const Distribution all = softmax(logits, temperature);
  const auto stage = stages::mirostat(tau, eta)->clone();
  auto mu = 2.0L * static_cast<long double>(tau);
  for (std::uint64_t i = 0; i < 10; ++i) {
    Candidates candidates(logits);
    candidates.heat(temperature);
    Rng rng(i);
    stage->apply(candidates, {{}, rng});
    std::set<Token> left;
    for (const Candidate& candidate : candidates.list()) left.insert(candidate.token);
    bool any = false;
    for (const auto& [token, p] : all) {
      const long double margin = mu + std::log2(p);
      any = any || margin > -kHair;
      if (std::abs(margin) > kHair && left.size() > 1) RC_ASSERT(left.contains(token) == (margin > 0));
    }
    RC_ASSERT(any || left.size() == 1U);
    const Candidate drawn = candidates.list()[rng.next() % candidates.size()];
    stage->accept(drawn);
    mu -= static_cast<long double>(eta) * (-std::log2(all.at(drawn.token)) - static_cast<long double>(tau));
    RC_ASSERT(std::abs(static_cast<long double>(mu_of(*stage)) - mu) < 1e-8L);
    mu = static_cast<long double>(mu_of(*stage));
  }
}

TEST(Mirostat, TheMeanSurpriseIsTau) {
  Logits logits;
  for (int i = 1; i <= 2000; ++i) logits.push_back(-std::log(static_cast<float>(i)));
  const Distribution all = softmax(logits, 1.0);
  // The likeliest token alone has 3.03 bits.
  for (const float tau : {4.0F, 6.0F}) {
    Sampler sampler({.temperature = 1.0F, .seed = 3, .mirostat_tau = tau}, 2000);
    long double surprise = 0;
    constexpr int kDraws = 4000;
    for (int i = 0; i < kDraws; ++i) surprise -= std::log2(all.at(sampler.sample(logits, {})));
    EXPECT_NEAR(static_cast<double>(surprise) / kDraws, static_cast<double>(tau), 0.05);
  }
}

TEST(Mirostat, ImpossibleStatesAreRefused) {
  const auto stage = stages::mirostat(3.0F, 0.1F)->clone();
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THROW(stage->set_state(std::as_bytes(std::span(&nan, 1))), Error);
  EXPECT_THROW(stage->set_state({}), Error);
  EXPECT_EQ(mu_of(*stage), 6.0);
}

TEST(Truncation, OneCandidateStays) {
  const Logits one = {kBanned, -3.0F, kBanned};
  for (const auto& stage : {stages::top_k(1), stages::top_p(0.0F), stages::typical_p(0.0F), stages::min_p(1.0F),
                            stages::xtc(1.0F, 0.0F), stages::mirostat(0.0F, 1.0F), stages::temperature(0.0F)}) {
    EXPECT_EQ(Applied(stage, one).left(), std::set<Token>{1}) << stage->name();
  }
}

TEST(Truncation, AllBannedIsAnError) {
  const Logits none(3, kBanned);
  for (const auto& stage : {stages::top_k(1), stages::top_p(0.5F), stages::typical_p(0.5F), stages::min_p(0.5F),
                            stages::xtc(1.0F, 0.1F), stages::mirostat(3.0F, 1.0F), stages::temperature(0.0F)}) {
    try {
      const Applied applied(stage, none);
      ADD_FAILURE() << stage->name();
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kInvalidArgument) << stage->name();
    }
  }
}

}  // namespace
}  // namespace pith::test
