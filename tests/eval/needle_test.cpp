#include "eval/needle.h"

#include <gtest/gtest.h>
#include <pith/error.h>
#include <pith/session.h>

#include <cmath>
#include <numeric>

#include "eval/needle_map.h"
#include "plot/xml.h"
#include "support/tiny_model.h"

namespace pith::eval {
namespace {

TEST(ScoreToken, ProbabilityAndRank) {
  const std::vector<float> logits = {1, 3, 2, 3, -1000};
  double sum = 0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit));
  const std::size_t ranks[] = {4, 1, 3, 2, 5};
  for (Token token = 0; token < 5; ++token) {
    const NeedleScore score = score_token(logits, token);
    const auto i = static_cast<std::size_t>(token);
    EXPECT_NEAR(score.log_probability, static_cast<double>(logits[i]) - std::log(sum), 1e-12);
    EXPECT_EQ(score.rank, ranks[i]);
    EXPECT_EQ(score.recalled(), i == 1);
  }
}

TEST(Cells, MeansAndDifferences) {
  const NeedleCell cell{1024, 50, 49, {{-1.0, 1}, {-2.0, 7}}};
  const NeedleCell baseline{1024, 50, 49, {{-1.0, 1}, {-1.5, 1}}};
  EXPECT_DOUBLE_EQ(cell.log_probability(), -1.5);
  EXPECT_EQ(cell.rank_worst(), 7U);
  EXPECT_DOUBLE_EQ(cell.recall(), 0.5);
  EXPECT_DOUBLE_EQ(difference(cell, baseline), -0.25);
  EXPECT_DOUBLE_EQ(relative_difference(cell, baseline), 0.2);
  EXPECT_DOUBLE_EQ(passkey_difference(cell, baseline), 0.25);
  EXPECT_DOUBLE_EQ(probability_change(cell, baseline), std::exp(-0.25) - 1);
  // One passkey gains what another loses: the mean difference is zero, but the mean of absolute differences is not.
  const NeedleCell swapped{1024, 50, 49, {{-1.5, 1}, {-1.0, 1}}};
  EXPECT_DOUBLE_EQ(difference(swapped, baseline), 0);
  EXPECT_DOUBLE_EQ(passkey_difference(swapped, baseline), 0.5);
  const NeedleCell certain{1024, 50, 49, {{0.0, 1}}};
  EXPECT_EQ(relative_difference(certain, certain), 0);
  EXPECT_TRUE(std::isinf(relative_difference(cell, certain)));
}

class NeedleTest : public testing::Test {
 protected:
  static std::string some_text() {
    std::string text;
    for (int i = 0; i < 200; ++i) text += " The number is " + std::to_string(i * 7919) + ".";
    return text;
  }

  NeedleOptions some_options() const {
    NeedleOptions options;
    options.lengths = {200, 333};
    options.depths = {0, 60, 100};
    options.repeats = 2;
    options.seed = 3;
    options.codecs = {{"f32"}, {"int8", "int4"}};
    return options;
  }

  const test::TempDir folder_;
  const Model model_ = Model::load(test::write_tiny_model({}, folder_));
  const std::string text_ = some_text();
};

TEST_F(NeedleTest, GridsAreWhole) {
  const NeedleOptions options = some_options();
  std::vector<std::size_t> done;
  const NeedleResult result = measure_needle(model_, text_, options, [&](const NeedleStep& step) {
    done.push_back(step.done);
    EXPECT_EQ(step.total, 2U * 3U * 2U * 3U);
    EXPECT_LT(step.score.log_probability, 0);
  });
  std::vector<std::size_t> all(36);
  std::iota(all.begin(), all.end(), 1U);
  EXPECT_EQ(done, all);
  EXPECT_EQ(result.passkeys, (std::vector<std::string>{draw_passkey(3, 0), draw_passkey(3, 1)}));
  EXPECT_EQ(result.baseline.name(), "f32");
  ASSERT_EQ(result.codecs.size(), 2U);
  EXPECT_EQ(result.codecs[1].name(), "int8/int4");
  for (const NeedleGrid* grid : {&result.baseline, &result.codecs[0], &result.codecs[1]}) {
    ASSERT_EQ(grid->cells.size(), 6U);
    ASSERT_EQ(grid->summaries.size(), 2U);
    for (std::size_t i = 0; i < 6; ++i) {
      EXPECT_EQ(grid->cells[i].length, options.lengths[i / 3]);
      EXPECT_EQ(grid->cells[i].depth, options.depths[i % 3]);
      EXPECT_NEAR(grid->cells[i].depth_placed, options.depths[i % 3], 10);
      EXPECT_EQ(grid->cells[i].scores.size(), 2U);
    }
  }
  EXPECT_GT(result.baseline.summaries[0].bits, 30);
  EXPECT_LT(result.codecs[1].summaries[1].bits, 24);
}

TEST_F(NeedleTest, SummariesAreOfTheCells) {
  const NeedleResult result = measure_needle(model_, text_, some_options());
  const NeedleGrid& grid = result.codecs[1];
  for (std::size_t length = 0; length < 2; ++length) {
    double mean = 0;
    double worst = 0;
    double absolute = 0;
    double absolute_worst = 0;
    double level = 0;
    double probability_worst = 0;
    double by_passkey = 0;
    std::vector<double> differences;
    for (std::size_t i = 3 * length; i < 3 * length + 3; ++i) {
      const double relative = relative_difference(grid.cells[i], result.baseline.cells[i]);
      mean += relative / 3;
      worst = std::max(worst, relative);
      const double change = std::abs(difference(grid.cells[i], result.baseline.cells[i]));
      absolute += change / 3;
      absolute_worst = std::max(absolute_worst, change);
      level += grid.cells[i].log_probability() / 3;
      probability_worst =
          std::max(probability_worst, std::abs(probability_change(grid.cells[i], result.baseline.cells[i])));
      for (std::size_t k = 0; k < 2; ++k) {
        differences.push_back(grid.cells[i].scores[k].log_probability -
                              result.baseline.cells[i].scores[k].log_probability);
        by_passkey += std::abs(differences.back()) / 6;
      }
    }
    const double signed_mean = std::accumulate(differences.begin(), differences.end(), 0.0) / 6;
    double squares = 0;
    for (const double each : differences) squares += (each - signed_mean) * (each - signed_mean);
    EXPECT_NEAR(grid.summaries[length].difference, signed_mean, 1e-12);
    EXPECT_NEAR(grid.summaries[length].difference_standard_error, std::sqrt(squares / 5 / 6), 1e-12);
    EXPECT_NEAR(grid.summaries[length].passkey_difference_mean, by_passkey, 1e-12);
    EXPECT_EQ(grid.summaries[length].probability_change_worst, probability_worst);
    EXPECT_GT(worst, 0);
    EXPECT_NEAR(grid.summaries[length].relative_difference_mean, mean, 1e-12);
    EXPECT_EQ(grid.summaries[length].relative_difference_worst, worst);
    EXPECT_NEAR(grid.summaries[length].difference_mean, absolute, 1e-12);
    EXPECT_EQ(grid.summaries[length].difference_worst, absolute_worst);
    EXPECT_NEAR(grid.summaries[length].log_probability, level, 1e-12);
  }
  // The same cache twice.
  for (const NeedleSummary& summary : result.codecs[0].summaries) EXPECT_EQ(summary.relative_difference_worst, 0);
}

TEST_F(NeedleTest, RecallIsWhatGreedyDecodingSays) {
  // A random model recalls nothing, so the expected answer is what it would generate anyway.
  const Haystack haystack(model_.tokenizer(), text_);
  const NeedlePrompt prompt = haystack.prompt("11111", 300, 50);
  Session session(model_);
  session.feed(prompt.tokens);
  for (int i = 0; i < 5; ++i) {
    const std::vector<float> logits(session.logits().begin(), session.logits().end());
    EXPECT_TRUE(score_token(logits, session.step()).recalled());
  }
}

TEST_F(NeedleTest, RefusesBeforeAnythingIsFed) {
  const NeedleProgress never = [](const NeedleStep&) { FAIL(); };
  const auto refuse = [&](const auto& change) {
    NeedleOptions options = some_options();
    change(options);
    EXPECT_THROW(measure_needle(model_, text_, options, never), Error);
  };
  refuse([](NeedleOptions& options) { options.lengths.clear(); });
  refuse([](NeedleOptions& options) { options.depths.clear(); });
  refuse([](NeedleOptions& options) { options.repeats = 0; });
  refuse([](NeedleOptions& options) { options.lengths.push_back(1U << 20); });
  refuse([](NeedleOptions& options) { options.lengths.push_back(std::size_t{1} << 40); });
  refuse([](NeedleOptions& options) { options.depths.push_back(101); });
  refuse([](NeedleOptions& options) { options.codecs.push_back({"int99"}); });
  refuse([](NeedleOptions& options) { options.text.needle = "nothing"; });
}

TEST_F(NeedleTest, MapShowsEveryCell) {
  const NeedleResult result = measure_needle(model_, text_, some_options());
  const test::Xml xml(needle_map(result));
  // The outer picture, three of levels, two of differences.
  EXPECT_EQ(xml.all("svg").size(), 6U);
  for (const char* text : {"f32: log-probability", "int8/int4: log-probability", "int8/int4 less f32", "200", "333",
                           "0", "60", "100", "depth, %", "tokens"}) {
    EXPECT_TRUE(xml.has_text(text)) << text;
  }
  // The differences between the same cache and itself.
  const std::vector<std::string> texts = xml.texts();
  EXPECT_GE(std::count(texts.begin(), texts.end(), "0.000"), 6);
}

}  // namespace
}  // namespace pith::eval
