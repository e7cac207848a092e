#include <gtest/gtest.h>
#include <pith/pith.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "support/session_inputs.h"
#include "support/tiny_model.h"

namespace pith {
namespace {

class DecodingTest : public testing::Test {
 protected:
  Session prompted() const {
    Session session(model_, {.context = 300});
    session.feed(test::random_tokens(model_, 80, 3));
    return session;
  }

  const test::TempDir folder_;
  const Model model_ = Model::load(test::write_tiny_model({.tied_output = false}, folder_));
};

TEST_F(DecodingTest, SamplesHaveSeedsOfTheirOwn) {
  const Session session = prompted();
  const std::vector<Token> before(session.tokens().begin(), session.tokens().end());
  GenerateOptions options;
  options.tokens_max = 12;
  options.sampling.temperature = 1.0F;
  options.sampling.seed = 3;
  options.ignore_end = true;
  const std::vector<Generation> samples = generate_n(session, 4, options);
  ASSERT_EQ(samples.size(), 4U);
  for (std::size_t i = 0; i < samples.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) EXPECT_NE(samples[i].tokens, samples[j].tokens);
  }
  // Each can be had by itself.
  GenerateOptions third = options;
  third.sampling.seed = derive_seed(3, 2);
  EXPECT_EQ(session.fork().generate("", third).tokens, samples[2].tokens);
  EXPECT_EQ(generate_n(session, 4, options)[3].tokens, samples[3].tokens);
  EXPECT_TRUE(std::ranges::equal(session.tokens(), before));
}

TEST_F(DecodingTest, SamplesStreamByNumberAndStop) {
  const Session session = prompted();
  std::map<int, std::string> texts;
  const auto sink = [&](int sample, std::string_view piece) {
    texts[sample] += piece;
    return true;
  };
  GenerateOptions options;
  options.tokens_max = 9;
  options.sampling.temperature = 1.0F;
  options.ignore_end = true;
  const std::vector<Generation> samples = generate_n(session, 3, options, sink);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(texts[i], samples[static_cast<std::size_t>(i)].text);
  std::stop_source source;
  source.request_stop();
  EXPECT_TRUE(generate_n(session, 3, options, {}, source.get_token()).empty());
  EXPECT_TRUE(generate_n(session, 0).empty());
  EXPECT_THROW(generate_n(session, -1), Error);
}

/// Log-probabilities of every token after these.
std::vector<double> log_softmax(const Session& session) {
  long double sum = 0.0L;
  for (const float x : session.logits()) sum += std::exp(static_cast<long double>(x));
  std::vector<double> result;
  for (const float x : session.logits())
    result.push_back(static_cast<double>(static_cast<long double>(x) - std::log(sum)));
  return result;
}

TEST_F(DecodingTest, OneBeamIsGreedy) {
  const Session session = prompted();
  const Generation greedy = session.fork().generate("", {.tokens_max = 10});
  const std::vector<Hypothesis> best = beam_search(session, {.beams = 1, .tokens_max = 10});
  ASSERT_EQ(best.size(), 1U);
  EXPECT_EQ(best[0].tokens, greedy.tokens);
  EXPECT_EQ(best[0].ended, greedy.reason == FinishReason::kEnd);
}

TEST_F(DecodingTest, AsManyBeamsAsThereAreSequencesFindTheBest) {
  // Two tokens, and more beams than the vocabulary has tokens: the search is exhaustive.
  const Session session = prompted();
  const int vocab = model_.tokenizer().vocab_size();
  const std::vector<Hypothesis> found =
      beam_search(session, {.beams = vocab, .n_best = 5, .tokens_max = 2, .length_penalty = 0.0});
  std::vector<double> all;
  const std::vector<double> first = log_softmax(session);
  for (Token token = 0; token < vocab; ++token) {
    const double own = first[static_cast<std::size_t>(token)];
    if (model_.tokenizer().is_end_of_generation(token)) {
      all.push_back(own);
      continue;
    }
    Session fork = session.fork();
    fork.feed(std::span(&token, 1));
    for (const double next : log_softmax(fork)) all.push_back(own + next);
  }
  std::ranges::sort(all, std::greater<>());
  ASSERT_EQ(found.size(), 5U);
  for (std::size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i].score, all[i], 1e-4) << i;
}

TEST_F(DecodingTest, LogprobsAreThoseOfTheTokens) {
  const Session session = prompted();
  for (const Hypothesis& hypothesis : beam_search(session, {.beams = 4, .n_best = 4, .tokens_max = 8})) {
    double sum = 0;
    for (const TokenScore& score : session.fork().score(hypothesis.tokens)) sum += static_cast<double>(score.logprob);
    // That of the end token is not among them.
    EXPECT_TRUE(hypothesis.ended ? hypothesis.logprob <= sum + 1e-4 : std::abs(sum - hypothesis.logprob) < 1e-4);
    EXPECT_EQ(hypothesis.text, model_.tokenizer().decode(hypothesis.tokens));
    const auto length = static_cast<double>(hypothesis.tokens.size() + (hypothesis.ended ? 1 : 0));
    EXPECT_NEAR(hypothesis.score, hypothesis.logprob / length, 1e-9);
  }
}

TEST_F(DecodingTest, BestFirstAndNeverWorseThanGreedy) {
  const Session session = prompted();
  const std::vector<Hypothesis> best = beam_search(session, {.beams = 6, .n_best = 6, .tokens_max = 12});
  EXPECT_TRUE(std::ranges::is_sorted(best, std::greater<>(), &Hypothesis::score));
  EXPECT_GE(best[0].score, beam_search(session, {.beams = 1, .tokens_max = 12})[0].score - 1e-9);
}

TEST_F(DecodingTest, StopTokensEndAHypothesis) {
  const Session session = prompted();
  const Token likeliest = static_cast<Token>(std::ranges::max_element(session.logits()) - session.logits().begin());
  const std::vector<Hypothesis> best =
      beam_search(session, {.beams = 3, .n_best = 3, .tokens_max = 5, .stop_tokens = {likeliest}});
  const auto empty = std::ranges::find_if(best, [](const Hypothesis& h) { return h.tokens.empty(); });
  ASSERT_NE(empty, best.end());
  EXPECT_TRUE(empty->ended);
}

TEST_F(DecodingTest, TheContextEndsIt) {
  Session session(model_, {.context = 84});
  session.feed(test::random_tokens(model_, 80, 3));
  for (const Hypothesis& hypothesis : beam_search(session, {.beams = 3, .n_best = 3, .tokens_max = 50}))
    EXPECT_LE(hypothesis.tokens.size(), 5U);
}

TEST_F(DecodingTest, RefusesWhatMakesNoSense) {
  const Session session = prompted();
  EXPECT_THROW(beam_search(session, {.beams = 0}), Error);
  EXPECT_THROW(beam_search(session, {.beams = 2, .n_best = 3}), Error);
  EXPECT_THROW(beam_search(session, {.tokens_max = 0}), Error);
  EXPECT_THROW(beam_search(session, {.length_penalty = std::nan("")}), Error);
  EXPECT_THROW(beam_search(Session(model_)), Error);
  std::stop_source source;
  source.request_stop();
  EXPECT_TRUE(beam_search(session, {}, source.get_token()).empty());
}

}  // namespace
}  // namespace pith
