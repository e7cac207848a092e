#include "eval/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pith/pith.h>

#include "support/tiny_model.h"

namespace pith::eval {
namespace {

using test::TempDir;
using test::TinyModelSpec;

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;

ModelOutline outline_of(const TinyModelSpec& spec) {
  const TempDir folder;
  return ModelOutline::read(test::write_tiny_model(spec, folder));
}

class Plan : public testing::Test {
 protected:
  std::uint64_t total(const char* kv, int tokens, int sessions = 1) const {
    return model_.predict_memory({.kv = {.key = kv}}, tokens, sessions).total();
  }
  const ModelOutline model_ = outline_of({});
};

TEST_F(Plan, TheLongestContextFitsAndThePageAfterDoesNot) {
  for (const char* kv : {"f16", "int8", "int4", "int2"}) {
    for (const int sessions : {1, 3}) {
      for (const std::uint64_t memory : {20 * kMiB, 40 * kMiB, 333 * kMiB}) {
        const int longest = longest_context(model_, {.kv = {.key = kv}}, sessions, memory);
        EXPECT_EQ(longest % 64, 0);
        if (longest > 0) {
          EXPECT_LE(total(kv, longest, sessions), memory);
        }
        EXPECT_GT(total(kv, longest + 64, sessions), memory) << kv << ' ' << memory;
      }
    }
  }
}

TEST_F(Plan, ExactlyEnoughIsEnough) {
  const std::uint64_t memory = total("int4", 6400);
  EXPECT_EQ(longest_context(model_, {.kv = {.key = "int4"}}, 1, memory), 6400);
  EXPECT_EQ(longest_context(model_, {.kv = {.key = "int4"}}, 1, memory - 1), 6336);
}

TEST_F(Plan, NothingFitsIntoNothing) {
  EXPECT_EQ(longest_context(model_, {.kv = {.key = "int4"}}, 1, 1), 0);
  const PlanResult result = make_plan(model_, {.memory = 1, .caches = {{.key = "int4"}}}, std::nullopt);
  EXPECT_EQ(result.rows[0].longest, 0);
  EXPECT_FALSE(result.rows[0].fits);
  EXPECT_GT(result.rows[0].memory.total(), 1U);
}

/// The search ends where contexts do, whatever the memory.
TEST_F(Plan, MemoryWithoutEnd) {
  EXPECT_EQ(longest_context(model_, {.kv = {.key = "int2"}}, 1, std::uint64_t{1} << 62), 1 << 27);
}

TEST_F(Plan, FewerBitsHoldMore) {
  const PlanOptions options{
      .memory = 100 * kMiB,
      .caches = {{.key = "f32"}, {.key = "f16"}, {.key = "int8"}, {.key = "int4"}, {.key = "int3"}, {.key = "int2"}}};
  const PlanResult result = make_plan(model_, options, std::nullopt);
  for (std::size_t i = 1; i < result.rows.size(); ++i) {
    EXPECT_GT(result.rows[i].longest, result.rows[i - 1].longest);
    EXPECT_TRUE(result.rows[i].fits);
    EXPECT_FALSE(result.rows[i].full);
  }
}

TEST_F(Plan, AContextThatIsAskedFor) {
  const PlanOptions options{.memory = total("int8", 640), .caches = {{.key = "f16"}, {.key = "int8"}}, .context = 640};
  const PlanResult result = make_plan(model_, options, std::nullopt);
  EXPECT_EQ(result.rows[0].tokens, 640);
  EXPECT_FALSE(result.rows[0].fits);
  EXPECT_LT(result.rows[0].longest, 640);
  EXPECT_TRUE(result.rows[1].fits);
  EXPECT_EQ(result.rows[1].memory.total(), options.memory);
}

TEST_F(Plan, BoundsAreLimitsByBytesAndOperations) {
  PlanLimits limits;
  limits.machine.read_bytes_per_second = 1e9;
  limits.machine.int8_ops_per_second = 1e12;
  limits.weights_read_bytes_per_second = 2e9;
  const ModelInfo& info = model_.info();
  const SpeedBound empty = speed_bound(model_, {.key = "f16"}, 0, limits);
  EXPECT_DOUBLE_EQ(empty.decode, 2e9 / static_cast<double>(info.token_weight_bytes));
  EXPECT_DOUBLE_EQ(empty.prompt, 1e12 / (2.0 * static_cast<double>(info.layer_parameters)));
  const SpeedBound full = speed_bound(model_, {.key = "f16"}, 1024, limits);
  const auto cache = static_cast<double>(model_.predict_kv({.key = "f16"}, 1024).bytes);
  EXPECT_DOUBLE_EQ(full.decode, 2e9 / (static_cast<double>(info.token_weight_bytes) + cache));
  // 2 layers, 4 query heads, 16 elements of a key and 16 of a value for each of 1,024 tokens.
  EXPECT_DOUBLE_EQ(full.prompt, 1e12 / (2.0 * (static_cast<double>(info.layer_parameters) + 2.0 * 4 * 32 * 1024)));
}

TEST_F(Plan, WindowsKeepWhatTheySee) {
  TinyModelSpec spec;
  spec.architecture = "gemma3";
  spec.layers = 6;
  spec.sliding_window = 128;
  const ModelOutline windowed = outline_of(spec);
  spec.sliding_window = 0;
  const ModelOutline whole = outline_of(spec);
  const SessionOptions options{.kv = {.key = "int8"}};
  EXPECT_GT(longest_context(windowed, options, 1, 100 * kMiB), 3 * longest_context(whole, options, 1, 100 * kMiB));
}

TEST_F(Plan, RefusesWhatMakesNoSense) {
  EXPECT_THROW(make_plan(model_, {.memory = 0, .caches = {{.key = "int4"}}}, std::nullopt), Error);
  EXPECT_THROW(make_plan(model_, {.memory = kMiB}, std::nullopt), Error);
  EXPECT_THROW(make_plan(model_, {.memory = kMiB, .caches = {{.key = "int4"}}, .sessions = 0}, std::nullopt), Error);
  EXPECT_THROW(make_plan(model_, {.memory = kMiB, .caches = {{.key = "int4"}}, .context = -1}, std::nullopt), Error);
  EXPECT_THROW(make_plan(model_, {.memory = kMiB, .caches = {{.key = "int5"}}}, std::nullopt), Error);
}

TEST_F(Plan, ChartHasEachCacheAndTheMemory) {
  const PlanOptions options{.memory = 100 * kMiB, .caches = {{.key = "f16"}, {.key = "int8", .value = "int4"}}};
  const std::string chart = plan_chart(model_.info(), options, make_plan(model_, options, std::nullopt));
  for (const char* text : {"<svg", "f16", "int8/int4", "the memory", "trained context", "memory by context"}) {
    EXPECT_THAT(chart, testing::HasSubstr(text));
  }
  const PlanOptions nothing_fits{.memory = 1, .caches = {{.key = "f16"}}};
  EXPECT_THAT(plan_chart(model_.info(), nothing_fits, make_plan(model_, nothing_fits, std::nullopt)),
              testing::HasSubstr("the memory"));
}

}  // namespace
}  // namespace pith::eval
