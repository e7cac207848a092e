#include "tools/option_json.h"

#include <gtest/gtest.h>

#include <limits>

#include "options/all_options.h"

// Options as JSON: each by its name, all but what is no text.
namespace pith::tools {
namespace {

TEST(OptionJson, HasEveryOptionThatIsText) {
  const Json json = options_json(SamplingOptions{});
  EXPECT_EQ(json.size(), options::row_count<SamplingOptions> - 1) << "all but the stages of a program's own";
  options::for_each_option<SamplingOptions>(
      [&](const auto& row) { EXPECT_EQ(json.contains(row.name), row.name != "stages") << row.name; });
  EXPECT_FALSE(options_json(EvictionOptions{}).contains("registry"));
}

TEST(OptionJson, EveryTableCanBeWritten) {
  test::for_each_struct([](const auto& defaults) { EXPECT_TRUE(options_json(defaults).is_object()); });
}

TEST(OptionJson, NestsStructsListsAndMaps) {
  SessionOptions options{.kv = {.layers = {{2, {.key = "f16", .value = "int4"}}}}};
  options.eviction.parameters = {{"decay", 0.5}};
  options.eviction.observe = {"h2o"};
  const Json json = options_json(options);
  EXPECT_EQ(json["kv"]["key"], "int8");
  EXPECT_EQ(json["kv"]["layers"]["2"]["value"], "int4");
  EXPECT_EQ(json["eviction"]["parameters"]["decay"], 0.5);
  EXPECT_EQ(json["eviction"]["observe"], Json({"h2o"}));
  EXPECT_EQ(options_json(SamplingOptions{.dry_breakers = {{1, 2}}})["dry_breakers"].dump(), "[[1,2]]");
}

TEST(OptionJson, EnumerationsAreWords) {
  EXPECT_EQ(options_json(ModelOptions{.arithmetic = Arithmetic::kF32})["arithmetic"], "f32");
  EXPECT_EQ(options_json(ChatOptions{})["overflow"], "drop");
}

TEST(OptionJson, NumbersAreShortAndInfinitiesAreTexts) {
  const SamplingOptions options{
      .top_p = 0.1F, .logit_bias = {{5, -std::numeric_limits<float>::infinity()}}, .seed = ~std::uint64_t{0}};
  const Json json = options_json(options);
  EXPECT_EQ(json["top_p"].dump(), "0.1");
  EXPECT_EQ(json["logit_bias"].dump(), R"({"5":"-inf"})");
  EXPECT_EQ(json["seed"].dump(), "18446744073709551615");
}

TEST(OptionJson, OfASnapshotOnlyWhatItKeeps) {
  const Json json = options_json(SessionOptions{}, OptionSet::kSaved);
  EXPECT_TRUE(json.contains("context"));
  EXPECT_FALSE(json.contains("threads"));
  EXPECT_TRUE(json["kv"].contains("key"));
  EXPECT_FALSE(json["kv"].contains("page_checksums"));
}

}  // namespace
}  // namespace pith::tools
