#include <gtest/gtest.h>
#include <pith/pith.h>

#include <algorithm>
#include <cmath>

#include "support/session_inputs.h"
#include "support/tiny_model.h"

namespace pith {
namespace {

class ScoreTest : public testing::Test {
 protected:
  /// What score() must say, from logits fed one by one.
  static std::vector<double> expected(Session& session, std::span<const Token> tokens) {
    std::vector<double> logprobs;
    for (const Token& token : tokens) {
      const std::vector<float> logits = test::logits_of(session);
      long double sum = 0.0L;
      for (const float x : logits) sum += std::exp(static_cast<long double>(x));
      logprobs.push_back(
          static_cast<double>(static_cast<long double>(logits[static_cast<std::size_t>(token)]) - std::log(sum)));
      session.feed(std::span(&token, 1));
    }
    return logprobs;
  }

  const test::TempDir folder_;
  const Model model_ = Model::load(test::write_tiny_model({.tied_output = false}, folder_));
  const std::vector<Token> context_ = test::random_tokens(model_, 70, 1);
  const std::vector<Token> tokens_ = test::random_tokens(model_, 90, 2);
};

TEST_F(ScoreTest, EachTokenAfterAllBeforeIt) {
  for (const int batch : {1, 7, 64, 384}) {
    Session session(model_, {.batch_tokens = batch});
    Session again(model_);
    session.feed(context_);
    again.feed(context_);
    const std::vector<TokenScore> scores = session.score(tokens_, {.top = 2});
    const std::vector<double> logprobs = expected(again, tokens_);
    ASSERT_EQ(scores.size(), tokens_.size());
    for (std::size_t i = 0; i < scores.size(); ++i) {
      EXPECT_EQ(scores[i].token, tokens_[i]);
      EXPECT_NEAR(static_cast<double>(scores[i].logprob), logprobs[i], 1e-5) << i;
      EXPECT_GE(scores[i].rank, 1);
      ASSERT_EQ(scores[i].top.size(), 2U);
      EXPECT_EQ(scores[i].rank == 1, scores[i].top[0].token == tokens_[i]);
    }
    // The session goes on from there.
    EXPECT_EQ(test::logits_of(session), test::logits_of(again));
  }
}

TEST_F(ScoreTest, FromALaterTokenOn) {
  Session all(model_);
  all.feed(context_);
  const std::vector<TokenScore> expected_scores = all.score(tokens_);
  for (const std::size_t first : {0UL, 1UL, 63UL, 64UL, 65UL, 89UL, 90UL, 500UL}) {
    Session session(model_, {.batch_tokens = 32});
    session.feed(context_);
    const std::vector<TokenScore> scores = session.score(tokens_, {.first = first});
    ASSERT_EQ(scores.size(), first < tokens_.size() ? tokens_.size() - first : 0);
    for (std::size_t i = 0; i < scores.size(); ++i) {
      EXPECT_EQ(scores[i].token, tokens_[first + i]);
      EXPECT_EQ(scores[i].logprob, expected_scores[first + i].logprob);
      EXPECT_EQ(scores[i].rank, expected_scores[first + i].rank);
    }
    EXPECT_EQ(test::logits_of(session), test::logits_of(all));
  }
}

TEST_F(ScoreTest, NothingComesBeforeTheFirstToken) {
  Session session(model_);
  EXPECT_THROW(session.score(tokens_), Error);
  EXPECT_EQ(session.position(), 0);
  EXPECT_EQ(session.score(tokens_, {.first = 1}).size(), tokens_.size() - 1);
  EXPECT_TRUE(session.score({}).empty());
  EXPECT_THROW(session.score(tokens_, {.top = -1}), Error);
  EXPECT_THROW(session.score(tokens_, {.top = model_.tokenizer().vocab_size() + 1}), Error);
}

TEST_F(ScoreTest, AStopRequestLeavesScoresOfWhatWasFed) {
  Session session(model_, {.batch_tokens = 16});
  session.feed(context_);
  std::stop_source source;
  source.request_stop();
  EXPECT_TRUE(session.score(tokens_, {}, source.get_token()).empty());
  EXPECT_EQ(session.position(), static_cast<int>(context_.size()));
}

TEST_F(ScoreTest, RanksAreByIdAmongEquals) {
  // A context that ends in the same state for all: ranks of all tokens are 1, 2, 3, ...
  std::vector<int> ranks;
  for (Token token = 0; token < model_.tokenizer().vocab_size(); ++token) {
    Session session(model_);
    session.feed(std::span(context_).first(3));
    ranks.push_back(session.score(std::span(&token, 1)).front().rank);
  }
  std::ranges::sort(ranks);
  for (std::size_t i = 0; i < ranks.size(); ++i) EXPECT_EQ(ranks[i], static_cast<int>(i) + 1);
}

}  // namespace
}  // namespace pith
