#include <gtest/gtest.h>
#include <pith/pith.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "support/refusal.h"
#include "support/session_inputs.h"
#include "support/tiny_model.h"

// What GenerateOptions add to drawing one token after another: limits, hooks, scores.

namespace pith {
namespace {

constexpr float kBanned = -std::numeric_limits<float>::infinity();

class GenerateOptionsTest : public testing::Test {
 protected:
  void SetUp() override {
    plain_.tokens_max = 24;
    plain_.sampling.temperature = 1.0F;
    plain_.sampling.seed = 5;
    plain_.ignore_end = true;
  }

  Generation generate(const GenerateOptions& options) const {
    Session session(model_);
    return session.generate("hello there", options);
  }

  const test::TempDir folder_;
  const Model model_ = Model::load(test::write_tiny_model({.tied_output = false}, folder_));
  GenerateOptions plain_;
};

/// Expects an Error(kInvalidArgument) whose message has `part` in it.
template <typename Call>
void expect_refused(const std::string& part, const Call& call) {
  test::expect_error(ErrorKind::kInvalidArgument, part, call);
}

TEST_F(GenerateOptionsTest, MinusOneIsNoLimitOfTokens) {
  Session session(model_, {.context = 40});
  const Generation generation = session.generate("hello", {.tokens_max = -1, .ignore_end = true});
  EXPECT_EQ(generation.reason, FinishReason::kContext);
  EXPECT_EQ(session.position(), 40);
  EXPECT_EQ(session.generate("", {.tokens_max = 0}).reason, FinishReason::kLength);
}

TEST_F(GenerateOptionsTest, OutOfRangeIsNamedBeforeAnythingIsFed) {
  Session session(model_);
  expect_refused("tokens_max is -2", [&] { session.generate("hello", {.tokens_max = -2}); });
  expect_refused("tokens_min is -1", [&] { session.generate("hello", {.tokens_min = -1}); });
  expect_refused("logprobs is -2", [&] { session.generate("hello", {.logprobs = -2}); });
  expect_refused("lookup_tokens is 65", [&] { session.generate("hello", {.lookup_tokens = 65}); });
  GenerateOptions outside;
  outside.stop_tokens = {model_.tokenizer().vocab_size()};
  expect_refused("a stop token", [&] { session.generate("hello", outside); });
  EXPECT_EQ(session.position(), 0);
}

TEST_F(GenerateOptionsTest, TokenIdsAreAPrompt) {
  Session by_text(model_);
  Session by_ids(model_);
  const Generation text = by_text.generate("hello there", plain_);
  const std::vector<Token> ids = model_.tokenizer().encode("hello there");
  const Generation from_ids = by_ids.generate(ids, plain_);
  EXPECT_EQ(from_ids.tokens, text.tokens);
  EXPECT_EQ(from_ids.text, text.text);
  EXPECT_EQ(from_ids.prompt_tokens, static_cast<int>(ids.size()));
  // None go on from what is there.
  EXPECT_EQ(by_ids.generate(std::span<const Token>(), plain_).tokens, by_text.generate("", plain_).tokens);
}

TEST_F(GenerateOptionsTest, AHookSeesTokensAndChangesLogits) {
  GenerateOptions options = plain_;
  const std::set<Token> allowed = {3, 7, 30};
  std::size_t calls = 0;
  const std::size_t prompt = model_.tokenizer().encode("hello there").size();
  options.on_logits = [&](std::span<const Token> tokens, std::span<float> logits) {
    EXPECT_EQ(tokens.size(), prompt + calls);
    EXPECT_EQ(logits.size(), static_cast<std::size_t>(model_.tokenizer().vocab_size()));
    ++calls;
    for (std::size_t i = 0; i < logits.size(); ++i) {
      if (!allowed.contains(static_cast<Token>(i))) logits[i] = kBanned;
    }
  };
  const Generation generation = generate(options);
  EXPECT_EQ(calls, generation.tokens.size());
  for (const Token token : generation.tokens) EXPECT_TRUE(allowed.contains(token)) << token;
}

TEST_F(GenerateOptionsTest, AHookThatChangesNothingChangesNothing) {
  GenerateOptions options = plain_;
  options.on_logits = [](std::span<const Token>, std::span<float>) {};
  EXPECT_EQ(generate(options).tokens, generate(plain_).tokens);
}

TEST_F(GenerateOptionsTest, AHookThatBansEverythingIsAnError) {
  GenerateOptions options = plain_;
  options.on_logits = [](std::span<const Token>, std::span<float> logits) { std::ranges::fill(logits, kBanned); };
  EXPECT_THROW(generate(options), Error);
}

TEST_F(GenerateOptionsTest, StopTokensEndIt) {
  const Generation all = generate(plain_);
  GenerateOptions options = plain_;
  options.stop_tokens = {all.tokens[5]};
  const auto first = std::ranges::find(all.tokens, all.tokens[5]);
  const Generation stopped = generate(options);
  EXPECT_EQ(stopped.reason, FinishReason::kEnd);
  EXPECT_EQ(stopped.tokens, std::vector<Token>(all.tokens.begin(), first));
}

TEST_F(GenerateOptionsTest, NoEndBeforeTheLeastNumberOfTokens) {
  const Generation all = generate(plain_);
  GenerateOptions options = plain_;
  options.stop_tokens = {all.tokens[0], all.tokens[2]};
  options.tokens_min = 10;
  const Generation generation = generate(options);
  EXPECT_GE(generation.tokens.size(), 10U);
  for (std::size_t i = 0; i < 10; ++i) {
    EXPECT_NE(generation.tokens[i], all.tokens[0]);
    EXPECT_NE(generation.tokens[i], all.tokens[2]);
  }
}

TEST_F(GenerateOptionsTest, ScoresAreTheModelsOwn) {
  GenerateOptions options = plain_;
  options.logprobs = 3;
  // Neither changes what the model thinks.
  options.sampling.repetition_penalty = 1.5F;
  options.on_logits = [](std::span<const Token>, std::span<float> logits) { logits[4] = kBanned; };
  const Generation generation = generate(options);
  ASSERT_EQ(generation.scores.size(), generation.tokens.size());

  Session again(model_);
  again.feed("hello there");
  for (std::size_t i = 0; i < generation.tokens.size(); ++i) {
    const TokenScore& score = generation.scores[i];
    const std::vector<float> logits = test::logits_of(again);
    long double sum = 0.0L;
    for (const float x : logits) sum += std::exp(static_cast<long double>(x));
    const auto expected = [&](Token token) {
      return static_cast<double>(static_cast<long double>(logits[static_cast<std::size_t>(token)]) - std::log(sum));
    };
    EXPECT_EQ(score.token, generation.tokens[i]);
    EXPECT_NEAR(static_cast<double>(score.logprob), expected(score.token), 1e-5);
    const auto better =
        std::ranges::count_if(logits, [&](float x) { return x > logits[static_cast<std::size_t>(score.token)]; });
    EXPECT_EQ(score.rank, better + 1);
    ASSERT_EQ(score.top.size(), 3U);
    EXPECT_GE(score.top[0].logprob, score.top[1].logprob);
    EXPECT_GE(score.top[1].logprob, score.top[2].logprob);
    EXPECT_EQ(score.top[0].token, std::ranges::max_element(logits) - logits.begin());
    again.feed(std::span(&generation.tokens[i], 1));
  }
}

TEST_F(GenerateOptionsTest, WithoutBeingAskedNothingIsScored) {
  EXPECT_TRUE(generate(plain_).scores.empty());
  GenerateOptions options = plain_;
  options.logprobs = 0;
  const Generation generation = generate(options);
  ASSERT_EQ(generation.scores.size(), generation.tokens.size());
  EXPECT_TRUE(generation.scores[0].top.empty());
}

TEST_F(GenerateOptionsTest, ACancelledPrefillSaysWhatWasFed) {
  Session session(model_, {.batch_tokens = 16});
  std::stop_source source;
  source.request_stop();
  const std::vector<Token> prompt = test::random_tokens(model_, 200, 3);
  const Generation generation = session.generate(prompt, {}, {}, source.get_token());
  EXPECT_EQ(generation.reason, FinishReason::kCancelled);
  EXPECT_EQ(generation.prompt_tokens, session.position());
  EXPECT_LT(generation.prompt_tokens, 200);
}

TEST_F(GenerateOptionsTest, SamplesFromLogitsOfTheCallers) {
  Session session(model_);
  session.feed("hello");
  std::vector<float> logits(static_cast<std::size_t>(model_.tokenizer().vocab_size()), 0.0F);
  logits[11] = 1.0F;
  EXPECT_EQ(session.sample(logits), 11);
  logits.pop_back();
  EXPECT_THROW(session.sample(logits), Error);
}

TEST_F(GenerateOptionsTest, ASamplerOfStagesIsKept) {
  Session session(model_);
  session.set_sampler(Sampler({stages::top_k(1)}));
  GenerateOptions options = plain_;
  options.keep_sampler = true;
  Session greedy(model_);
  GenerateOptions likeliest;
  likeliest.tokens_max = plain_.tokens_max;
  likeliest.ignore_end = true;
  EXPECT_EQ(session.generate("hello there", options).tokens, greedy.generate("hello there", likeliest).tokens);
}

}  // namespace
}  // namespace pith
