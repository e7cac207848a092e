#include <gtest/gtest.h>
#include <pith/pith.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <stdexcept>

#include "session/prompt_lookup.h"
#include "support/session_inputs.h"
#include "support/tiny_model.h"

namespace pith {
namespace {

using session::look_up;

std::vector<Token> found(const std::vector<Token>& tokens, std::size_t count) {
  if (tokens.empty()) return look_up({}, 0, count);
  return look_up(std::span(tokens).first(tokens.size() - 1), tokens.back(), count);
}

TEST(LookUp, TheLatestOccurrenceOfTheNewestThree) {
  EXPECT_EQ(found({1, 2, 3, 4, 5, 9, 1, 2, 3}, 2), (std::vector<Token>{4, 5}));
  EXPECT_EQ(found({1, 2, 3, 4, 1, 2, 3, 5, 1, 2, 3}, 1), (std::vector<Token>{5}));
  EXPECT_EQ(found({7, 2, 3, 4, 5, 9, 1, 2, 3}, 9), (std::vector<Token>{4, 5, 9, 1, 2, 3}));
}

TEST(LookUp, NothingThatIsNotThere) {
  EXPECT_TRUE(found({}, 4).empty());
  EXPECT_TRUE(found({1}, 4).empty());
  EXPECT_TRUE(found({1, 2}, 4).empty());
  EXPECT_TRUE(found({3, 1, 2, 3}, 4).empty());
}

TEST(LookUp, ARunGoesOn) { EXPECT_EQ(found({5, 5, 5, 5}, 3), (std::vector<Token>{5})); }

RC_GTEST_PROP(LookUp, IsWhatFollowedThoseTokens, (const std::vector<std::uint8_t>& bytes)) {
  std::vector<Token> tokens;
  tokens.reserve(bytes.size());
  for (const std::uint8_t byte : bytes) tokens.push_back(byte % 4);
  const std::vector<Token> guess = found(tokens, 5);
  RC_ASSERT(guess.size() <= 5U);
  // The latest occurrence of the newest `length` tokens that something follows, by definition.
  const auto expected = [&](std::size_t length) -> std::vector<Token> {
    const std::span<const Token> all(tokens);
    for (std::size_t end = all.size(); all.size() > length && end-- > length;) {
      if (!std::ranges::equal(all.subspan(end - length, length), all.last(length))) continue;
      const std::span<const Token> after = all.subspan(end, std::min<std::size_t>(5, all.size() - end));
      return {after.begin(), after.end()};
    }
    return {};
  };
  RC_ASSERT(guess == (expected(3).empty() ? expected(2) : expected(3)));
}

struct Case {
  std::string codec;
  std::size_t window;
};

/// Models that repeat themselves, so that guesses are right at times.
class PromptLookup : public testing::TestWithParam<Case> {
 protected:
  Model load() const {
    test::TinyModelSpec spec;
    if (GetParam().window != 0) spec = {.architecture = "gemma3", .layers = 6, .sliding_window = GetParam().window};
    return Model::load(test::write_tiny_model(spec, folder_));
  }
  Session session(const Model& model) const {
    return Session(model, {.kv = {.key = GetParam().codec}, .context = 700});
  }

  const test::TempDir folder_;
};

void expect_same(const Session& a, const Session& b) {
  EXPECT_TRUE(std::ranges::equal(a.tokens(), b.tokens()));
  EXPECT_EQ(test::logits_of(a), test::logits_of(b));
}

TEST_P(PromptLookup, GivesTheSameTokensAndLeavesTheSameSession) {
  const Model model = load();
  const std::vector<Token> part = test::random_tokens(model, 40, 9);
  std::vector<Token> prompt;
  for (int i = 0; i < 4; ++i) prompt.insert(prompt.end(), part.begin(), part.end());
  int accepted = 0;
  for (const float temperature : {0.0F, 0.3F}) {
    GenerateOptions plain;
    plain.tokens_max = 150;
    plain.sampling.temperature = temperature;
    plain.sampling.repetition_penalty = 1.02F;
    plain.ignore_end = true;
    plain.logprobs = 2;
    GenerateOptions guessing = plain;
    guessing.lookup_tokens = 7;
    Session one = session(model);
    Session other = session(model);
    // Twice, as what the first one leaves is what the second goes on from.
    for (int turn = 0; turn < 2; ++turn) {
      const Generation expected = one.generate(prompt, plain);
      const Generation generation = other.generate(prompt, guessing);
      EXPECT_EQ(generation.tokens, expected.tokens);
      EXPECT_EQ(generation.text, expected.text);
      EXPECT_EQ(generation.reason, expected.reason);
      ASSERT_EQ(generation.scores.size(), expected.scores.size());
      for (std::size_t i = 0; i < expected.scores.size(); ++i)
        EXPECT_EQ(generation.scores[i].logprob, expected.scores[i].logprob);
      EXPECT_LE(generation.lookup_accepted, generation.lookup_proposed);
      accepted += generation.lookup_accepted;
      expect_same(one, other);
    }
  }
  EXPECT_GT(accepted, 20);
}

TEST_P(PromptLookup, HoweverItEnds) {
  const Model model = load();
  const std::vector<Token> part = test::random_tokens(model, 50, 2);
  std::vector<Token> prompt = part;
  prompt.insert(prompt.end(), part.begin(), part.end());
  Session probe = session(model);
  const Generation all = probe.generate(prompt, {.tokens_max = 60, .ignore_end = true});
  for (const int tokens : {1, 2, 3, 7, 13, 30, 59}) {
    const auto at = static_cast<std::size_t>(tokens);
    Session one = session(model);
    Session other = session(model);
    GenerateOptions plain;
    plain.tokens_max = 60;
    plain.ignore_end = true;
    switch (tokens % 3) {
      case 0:
        plain.tokens_max = tokens;
        break;
      case 1:
        plain.stop_tokens = {all.tokens[at]};
        break;
      default:
        plain.stop = {model.tokenizer().decode(std::span(all.tokens).subspan(at, 1))};
        // A stop string is whole characters, and one token may not be.
        if (plain.stop[0].empty() || std::ranges::any_of(plain.stop[0], [](char c) { return c < 0; }))
          plain.stop.clear();
    }
    GenerateOptions guessing = plain;
    guessing.lookup_tokens = 16;
    EXPECT_EQ(one.generate(prompt, plain).tokens, other.generate(prompt, guessing).tokens);
    expect_same(one, other);
  }
}

TEST_P(PromptLookup, ACallbackThatThrowsLeavesNoGuess) {
  const Model model = load();
  const std::vector<Token> prompt(90, 7);
  const auto run = [&](int lookup) {
    GenerateOptions options;
    options.tokens_max = 80;
    options.ignore_end = true;
    options.lookup_tokens = lookup;
    Session one = session(model);
    int pieces = 0;
    const PieceSink sink = [&](std::string_view) -> bool {
      if (++pieces == 9) throw std::runtime_error("enough");
      return true;
    };
    EXPECT_THROW(one.generate(prompt, options, sink), std::runtime_error);
    return std::pair(std::vector<Token>(one.tokens().begin(), one.tokens().end()), test::logits_of(one));
  };
  EXPECT_EQ(run(0), run(8));
}

TEST_P(PromptLookup, StaysWithinTheContext) {
  const Model model = load();
  Session one(model, {.kv = {.key = GetParam().codec}, .context = 150});
  Session other(model, {.kv = {.key = GetParam().codec}, .context = 150});
  const std::vector<Token> prompt(100, 7);
  const Generation expected = one.generate(prompt, {.tokens_max = -1, .ignore_end = true});
  const Generation generation = other.generate(prompt, {.tokens_max = -1, .ignore_end = true, .lookup_tokens = 32});
  EXPECT_EQ(generation.tokens, expected.tokens);
  EXPECT_EQ(generation.reason, FinishReason::kContext);
  expect_same(one, other);
}

INSTANTIATE_TEST_SUITE_P(Caches, PromptLookup,
                         testing::Values(Case{"f16", 0}, Case{"int8", 0}, Case{"int4", 0}, Case{"int2", 0},
                                         Case{"int4", 100}, Case{"f32", 70}),
                         [](const auto& test) {
                           const std::size_t window = test.param.window;
                           return test.param.codec + (window == 0 ? "" : "Window" + std::to_string(window));
                         });

TEST(PromptLookupOff, WhereThePastIsObservedOrReadSparsely) {
  const test::TempDir folder;
  const Model model = Model::load(test::write_tiny_model({}, folder));
  SessionOptions evicting;
  evicting.eviction = {.policy = "h2o", .budget_tokens = 256};
  SessionOptions sparse;
  sparse.kv.read_share = 0.5;
  for (const SessionOptions& options : {evicting, sparse}) {
    Session one(model, options);
    Session other(model, options);
    const std::vector<Token> prompt(200, 7);
    EXPECT_EQ(one.generate(prompt, {.tokens_max = 40, .ignore_end = true}).tokens,
              other.generate(prompt, {.tokens_max = 40, .ignore_end = true, .lookup_tokens = 8}).tokens);
  }
}

}  // namespace
}  // namespace pith
