#include "eval/speed.h"

#include <gtest/gtest.h>
#include <pith/error.h>
#include <pith/session.h>

#include <cmath>

#include "support/tiny_model.h"

namespace pith::eval {
namespace {

using test::TempDir;
using test::TinyModelSpec;

TEST(Spread, MedianAndEnds) {
  const Spread odd = spread_of({3, 1, 2});
  EXPECT_EQ(odd.median, 2);
  EXPECT_EQ(odd.low, 1);
  EXPECT_EQ(odd.high, 3);
  EXPECT_EQ(spread_of({4, 1, 2, 3}).median, 2.5);
  EXPECT_EQ(spread_of({}).high, 0);
}

TEST(LeastSquaresSlope, OfALineAndOfPointsBesideIt) {
  const double x[] = {0, 100, 1000};
  const double line[] = {5, 7, 25};
  EXPECT_NEAR(*least_squares_slope(x, line), 0.02, 1e-12);
  // The normal equations by hand: x' = (-1, 0, 1), so the slope is (y3 - y1) / 2.
  const double even[] = {1, 2, 3};
  const double beside[] = {1, 100, 2};
  EXPECT_NEAR(*least_squares_slope(even, beside), 0.5, 1e-12);
  const double same[] = {2, 2, 2};
  EXPECT_FALSE(least_squares_slope(same, beside).has_value());
}

TEST(SpeedFigures, RatesAndShares) {
  MachineLimits limits;
  limits.read_bytes_per_second = 1000;
  limits.int8_ops_per_second = 5000;
  SpeedRow row;
  row.prompt = {10, 0, {1, 4, 2}};
  row.prompt_operations = 2500;
  row.decode = {6, 10, {3, 2, 6}};
  row.decode_bytes = 250;
  EXPECT_EQ(row.prompt.tokens_per_second().median, 5);
  EXPECT_EQ(row.prompt.tokens_per_second().low, 2.5);
  EXPECT_EQ(row.prompt.tokens_per_second().high, 10);
  EXPECT_EQ(row.share_of_int8(limits), 0.25);
  EXPECT_EQ(row.share_of_memory(limits), 0.5);
  // Four sessions: 24 tokens in as long as one session takes for six, in half and in twice that.
  row.together = {24, 10, {3, 1, 12}};
  EXPECT_EQ(row.together_over_one().median, 4);
  EXPECT_EQ(row.together_over_one().low, 2);
  EXPECT_EQ(row.together_over_one().high, 8);
}

TEST(SpeedFigures, SlopeOfEachRound) {
  SpeedCache cache;
  for (const int depth : {0, 100, 200}) {
    SpeedRow row;
    row.depth = depth;
    // Ten tokens: 1 + depth / 100 seconds in the first round; the second one depends on the depth twice as much.
    row.decode = {10, depth, {1 + depth / 100.0, 1 + depth / 50.0}};
    cache.rows.push_back(row);
  }
  const std::optional<Spread> slope = cache.seconds_per_context_token();
  ASSERT_TRUE(slope.has_value());
  EXPECT_NEAR(slope->low, 1e-3, 1e-12);
  EXPECT_NEAR(slope->high, 2e-3, 1e-12);
  cache.rows.resize(1);
  EXPECT_FALSE(cache.seconds_per_context_token().has_value());
}

TEST(MeasureSpeed, EveryDepthInEveryRoundInTurn) {
  const TempDir folder;
  const Model model = Model::load(test::write_tiny_model({}, folder));
  SpeedOptions options;
  options.caches = {{"f16"}, {"int4", "int8"}};
  // The second depth does not fit after the measurements at the first.
  options.depths = {100, 0, 20, 20};
  options.prompt = 40;
  options.decode = 3;
  options.rounds = 2;
  options.threads = 1;
  options.limits = false;
  std::string order;
  const SpeedResult result = measure_speed(model, options, [&](const SpeedStep& step) {
    order += std::to_string(step.round) + step.kv->key + "@" + std::to_string(step.row->depth) + " ";
  });
  EXPECT_EQ(order,
            "1f16@0 1f16@20 1f16@100 1int4@0 1int4@20 1int4@100 2f16@0 2f16@20 2f16@100 2int4@0 2int4@20 2int4@100 ");
  EXPECT_FALSE(result.limits.has_value());
  ASSERT_EQ(result.caches.size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    ASSERT_EQ(result.caches[i].rows.size(), 3U);
    for (const SpeedRow& row : result.caches[i].rows) {
      EXPECT_EQ(row.prompt.depth, row.depth);
      EXPECT_EQ(row.decode.depth, row.depth + 40);
      EXPECT_EQ(row.prompt.seconds.size(), 2U);
      EXPECT_EQ(row.decode.seconds.size(), 2U);
      EXPECT_EQ(row.kv_stats.tokens, row.depth + 43);
      const double weights = static_cast<double>(model.info().token_weight_bytes);
      EXPECT_GE(row.decode_bytes, weights + static_cast<double>(predict_kv(model, options.caches[i], 1).bytes));
      EXPECT_LE(row.decode_bytes, weights + static_cast<double>(row.kv_stats.bytes));
    }
    EXPECT_GT(result.caches[i].rows[2].decode_bytes, result.caches[i].rows[0].decode_bytes);
  }
}

/// Counts the products of queries with keys and of probabilities with values one by one.
double attention_products(const TinyModelSpec& spec, std::size_t depth, std::size_t prompt) {
  double products = 0;
  for (std::size_t token = depth; token < depth + prompt; ++token) {
    products += static_cast<double>(spec.layers * spec.heads * 2 * spec.head_size) * (static_cast<double>(token) + 0.5);
  }
  return products;
}

TEST(MeasureSpeed, CountsOperations) {
  const TempDir folder;
  const TinyModelSpec spec;
  const Model model = Model::load(test::write_tiny_model(spec, folder));
  SpeedOptions options;
  options.caches = {{"int8"}};
  options.depths = {0, 64};
  options.prompt = 32;
  options.decode = 0;
  options.rounds = 1;
  options.limits = false;
  const SpeedResult result = measure_speed(model, options);
  for (const SpeedRow& row : result.caches[0].rows) {
    const double matrices =
        32.0 * static_cast<double>(model.info().layer_parameters) + static_cast<double>(model.info().output_parameters);
    const double attention = attention_products(spec, static_cast<std::size_t>(row.depth), 32);
    EXPECT_NEAR(row.prompt_operations, 2 * (matrices + attention), 1e-6 * row.prompt_operations);
  }
  EXPECT_FALSE(result.caches[0].seconds_per_context_token().has_value());
}

TEST(MeasureSpeed, OptionsThatMakeNoSense) {
  const TempDir folder;
  const Model model = Model::load(test::write_tiny_model({}, folder));
  SpeedOptions good;
  good.caches = {{"f16"}};
  const auto expect = [&](const SpeedOptions& options, ErrorKind kind, const std::string& word) {
    try {
      measure_speed(model, options);
      FAIL() << "measured, expected " << word;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), kind) << error.what();
      EXPECT_NE(std::string(error.what()).find(word), std::string::npos) << error.what();
    }
  };
  SpeedOptions bad = good;
  bad.caches.clear();
  expect(bad, ErrorKind::kInvalidArgument, "no KV cache");
  bad = good;
  bad.caches = {{"int99"}};
  expect(bad, ErrorKind::kUnsupported, "int99");
  bad = good;
  bad.depths = {};
  expect(bad, ErrorKind::kInvalidArgument, "no depth");
  bad = good;
  bad.prompt = bad.decode = 0;
  expect(bad, ErrorKind::kInvalidArgument, "nothing to measure");
  bad = good;
  bad.rounds = 0;
  expect(bad, ErrorKind::kInvalidArgument, "rounds is 0");
  bad = good;
  bad.depths = {0, 4000};
  expect(bad, ErrorKind::kContextFull, "4096");
}

}  // namespace
}  // namespace pith::eval
