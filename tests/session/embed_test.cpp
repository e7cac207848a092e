#include <gtest/gtest.h>
#include <pith/pith.h>

#include <cmath>

#include "support/session_inputs.h"
#include "support/tiny_model.h"

namespace pith {
namespace {

class EmbedTest : public testing::Test {
 protected:
  std::vector<std::vector<float>> hidden(std::span<const Token> tokens, int batch) const {
    Session session(model_, {.batch_tokens = batch});
    std::vector<std::vector<float>> rows;
    session.feed_hidden(tokens, [&](int position, std::span<const float> row) {
      EXPECT_EQ(position, static_cast<int>(rows.size()));
      rows.emplace_back(row.begin(), row.end());
    });
    return rows;
  }

  const test::TempDir folder_;
  const Model model_ = Model::load(test::write_tiny_model({}, folder_));
  const std::vector<Token> tokens_ = test::random_tokens(model_, 150, 1);
};

double norm(const std::vector<float>& x) {
  double squares = 0;
  for (const float v : x) squares += static_cast<double>(v) * static_cast<double>(v);
  return std::sqrt(squares);
}

TEST_F(EmbedTest, HiddenStatesDoNotDependOnBatches) {
  const auto rows = hidden(tokens_, 384);
  ASSERT_EQ(rows.size(), tokens_.size());
  EXPECT_EQ(rows[0].size(), static_cast<std::size_t>(model_.info().embedding));
  EXPECT_EQ(hidden(tokens_, 1), rows);
  EXPECT_EQ(hidden(tokens_, 33), rows);
}

TEST_F(EmbedTest, TheOutputMatrixMakesLogitsOfThem) {
  // The tiny model's output matrix is its embedding, in F32: a logit is a dot product of the last hidden state.
  Session session(model_);
  std::vector<float> last;
  session.feed_hidden(tokens_, [&](int, std::span<const float> row) { last.assign(row.begin(), row.end()); });
  Session logits(model_);
  logits.feed(tokens_);
  EXPECT_EQ(test::logits_of(session), test::logits_of(logits));
}

TEST_F(EmbedTest, PoolsAsAsked) {
  const auto rows = hidden(tokens_, 384);
  const auto embed = [&](Pooling pooling, int batch) {
    return Session(model_, {.batch_tokens = batch}).embed(tokens_, {.pooling = pooling, .normalize = false});
  };
  EXPECT_EQ(embed(Pooling::kFirst, 20), rows.front());
  EXPECT_EQ(embed(Pooling::kLast, 20), rows.back());
  const std::vector<float> mean = embed(Pooling::kMean, 20);
  EXPECT_EQ(mean, embed(Pooling::kMean, 384));
  for (std::size_t i = 0; i < mean.size(); ++i) {
    double sum = 0;
    for (const auto& row : rows) sum += static_cast<double>(row[i]);
    EXPECT_NEAR(static_cast<double>(mean[i]), sum / static_cast<double>(rows.size()), 1e-6);
  }
}

TEST_F(EmbedTest, NormalizedUnlessAskedOtherwise) {
  for (const Pooling pooling : {Pooling::kMean, Pooling::kLast, Pooling::kFirst})
    EXPECT_NEAR(norm(Session(model_).embed(tokens_, {.pooling = pooling})), 1.0, 1e-6);
}

TEST_F(EmbedTest, ATextIsItsTokens) {
  Session by_text(model_);
  Session by_tokens(model_);
  EXPECT_EQ(by_text.embed("hello there"),
            by_tokens.embed(model_.tokenizer().encode("hello there", {.parse_special = false})));
}

TEST_F(EmbedTest, RefusesNothingAndStops) {
  Session session(model_);
  EXPECT_THROW(session.embed(std::span<const Token>()), Error);
  std::stop_source source;
  source.request_stop();
  EXPECT_TRUE(session.embed(tokens_, {}, source.get_token()).empty());
}

}  // namespace
}  // namespace pith
