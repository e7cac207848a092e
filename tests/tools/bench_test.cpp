#include <pith/pith.h>

#include <sstream>

#include "plot/xml.h"
#include "tools/tool.h"

// pith bench: what it says of how it measured. How fast it was is nobody's business here.
namespace pith::test {
namespace {

class Bench : public ToolTest {
 protected:
  /// A short run, unless an option says otherwise.
  Args command(const Args& more) const {
    Args args = {"bench", "-m", model_};
    for (const auto& [name, value] :
         {std::pair{"--threads", "1"}, std::pair{"--prompt", "24"}, std::pair{"--gen", "4"}}) {
      if (std::find(more.begin(), more.end(), name) == more.end()) args.insert(args.end(), {name, value});
    }
    args.insert(args.end(), more.begin(), more.end());
    return args;
  }
};

std::vector<std::string> split(const std::string& text, char at) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, at);) parts.push_back(part);
  return parts;
}

TEST_F(Bench, JsonHasEveryDepthOfEveryCache) {
  const json result =
      pith_json(command({"--kv", "f16", "--kv", "int8/int4", "--depth", "0,300,64", "--rounds", "2", "--no-limits"}));
  const ModelInfo info = Model::load(model_).info();
  EXPECT_EQ(result["model"], "random llama");
  EXPECT_EQ(result["model_file"], model_);
  EXPECT_EQ(result["threads"], 1);
  EXPECT_EQ(result["rounds"], 2);
  EXPECT_EQ(result["weight_bytes"], info.weight_bytes);
  EXPECT_TRUE(result["limits"].is_null());
  ASSERT_EQ(result["results"].size(), 2U);
  EXPECT_EQ(result["results"][1]["kv"], "int8/int4");
  EXPECT_EQ(result["results"][1]["kv_value"], "int4");
  for (const json& cache : result["results"]) {
    EXPECT_TRUE(cache["ns_per_context_token"]["median"].is_number());
    ASSERT_EQ(cache["depths"].size(), 3U);
    const int depths[] = {0, 64, 300};
    for (std::size_t i = 0; i < 3; ++i) {
      const json& row = cache["depths"][i];
      EXPECT_EQ(row["depth"], depths[i]);
      EXPECT_EQ(row["prompt"]["tokens"], 24);
      EXPECT_EQ(row["prompt"]["seconds"].size(), 2U);
      EXPECT_TRUE(row["prompt"]["share_of_int8"].is_null());
      EXPECT_EQ(row["decode"]["depth"], depths[i] + 24);
      EXPECT_EQ(row["decode"]["seconds"].size(), 2U);
      EXPECT_EQ(row["kv_tokens"], depths[i] + 28);
      EXPECT_GT(row["kv_bytes"], 0);
    }
  }
}

TEST_F(Bench, LimitsAreMeasuredInTheSameRun) {
  const json result = pith_json(command({"--rounds", "1"}));
  EXPECT_NE(result["limits"]["instruction_set"], "");
  for (const char* name : {"read_bytes_per_second", "weights_read_bytes_per_second", "int8_ops_per_second"}) {
    EXPECT_GT(result["limits"][name].get<double>(), 0) << name;
  }
  const json& row = result["results"][0]["depths"][0];
  EXPECT_EQ(result["results"][0]["kv"], "f16");
  EXPECT_TRUE(result["results"][0]["ns_per_context_token"].is_null());
  const double rate = row["decode"]["tokens_per_second"]["median"];
  const double share = row["decode"]["share_of_memory"];
  EXPECT_NEAR(
      share,
      rate * row["decode"]["bytes_by_token"].get<double>() / result["limits"]["read_bytes_per_second"].get<double>(),
      1e-9 * share);
  EXPECT_GT(row["prompt"]["share_of_int8"].get<double>(), 0);
}

TEST_F(Bench, HalfOfIt) {
  const json prompt = pith_json(command({"--gen", "0", "--rounds", "1", "--no-limits"}));
  EXPECT_TRUE(prompt["results"][0]["depths"][0]["decode"].is_null());
  EXPECT_EQ(prompt["results"][0]["depths"][0]["kv_tokens"], 24);
  const json decode = pith_json(command({"--prompt", "0", "--depth", "7", "--rounds", "1", "--no-limits"}));
  EXPECT_TRUE(decode["results"][0]["depths"][0]["prompt"].is_null());
  EXPECT_EQ(decode["results"][0]["depths"][0]["decode"]["depth"], 7);
}

TEST_F(Bench, CsvIsLinesOfEqualLength) {
  const std::string out = pith_output(
      command({"--kv", "int8", "--kv", "int4", "--depth", "0,80", "--rounds", "1", "--no-limits", "--format", "csv"}));
  const std::vector<std::string> lines = split(out, '\n');
  ASSERT_EQ(lines.size(), 5U) << out;
  const std::vector<std::string> names = split(lines[0], ',');
  EXPECT_EQ(names[0], "kv");
  EXPECT_EQ(names[1], "depth");
  for (std::size_t i = 1; i < 5; ++i) {
    const std::vector<std::string> cells = split(lines[i], ',');
    ASSERT_EQ(cells.size(), names.size()) << lines[i];
    EXPECT_EQ(cells[0], i < 3 ? "int8" : "int4");
    EXPECT_EQ(cells[1], i % 2 == 1 ? "0" : "80");
    EXPECT_GT(std::stod(cells[2]), 0);
  }
}

TEST_F(Bench, TablesAreAligned) {
  for (const std::string format : {"table", "markdown"}) {
    const std::string out = pith_output(command({"--depth", "0,80", "--rounds", "1", "--format", format}));
    EXPECT_NE(out.find("limits ("), std::string::npos) << out;
    std::vector<std::string> lines = split(out, '\n');
    const std::size_t rows = format == "table" ? 3 : 4;
    ASSERT_GT(lines.size(), rows) << out;
    lines.erase(lines.begin(), lines.end() - static_cast<std::ptrdiff_t>(rows));
    for (const std::string& line : lines) EXPECT_EQ(line.size(), lines[0].size()) << out;
    EXPECT_NE(lines[0].find("decode/s"), std::string::npos) << out;
  }
}

TEST_F(Bench, PlotHasALineForEachCache) {
  const std::string path = (folder_ / "speed.svg").string();
  const Args caches = {"--rounds", "1", "--no-limits", "--kv", "int8", "--kv", "int4", "--plot", path};
  Args more = caches;
  more.insert(more.end(), {"--depth", "0,80,160"});
  EXPECT_NE(pith_output(command(more)), "");
  const Xml by_depth(read_file(path));
  for (const char* text : {"Prompts of 24 tokens", "Decoding", "KV cache", "tokens/s", "MiB", "int8", "int4"}) {
    EXPECT_TRUE(by_depth.has_text(text)) << text;
  }
  EXPECT_EQ(by_depth.all("polyline").size(), 6U);

  more = caches;
  more.insert(more.end(), {"--gen", "0"});
  EXPECT_NE(pith_output(command(more)), "");
  const Xml one_depth(read_file(path));
  EXPECT_FALSE(one_depth.has_text("Decoding"));
  EXPECT_TRUE(one_depth.has_text("tokens in the context before: 0"));
  EXPECT_TRUE(one_depth.all("polyline").empty());
}

TEST_F(Bench, ProgressGoesToStandardError) {
  const Outcome outcome = pith(command({"--depth", "0,80", "--rounds", "1", "--no-limits", "--format", "csv"}));
  EXPECT_EQ(outcome.status, 0);
  EXPECT_NE(outcome.err.find("round 1 of 1, f16, depth 80: prompt "), std::string::npos) << outcome.err;
}

TEST_F(Bench, WrongUsage) {
  const Args lines[] = {{"--depth", "-1"},    {"--depth", "0,deep"}, {"--rounds", "0"},
                        {"--format", "text"}, {"--prompt", "many"},  {"--prompt", "0", "--gen", "0"},
                        {"--threads", "-1"},  {"--unheard-of"}};
  for (const Args& more : lines) {
    const Outcome outcome = pith(command(more));
    EXPECT_EQ(outcome.status, 2) << testing::PrintToString(more);
    EXPECT_EQ(outcome.out, "");
    EXPECT_NE(outcome.err, "");
  }
  EXPECT_EQ(pith({"bench"}).status, 2);
}

TEST_F(Bench, FailuresAreOneLine) {
  const std::pair<Args, std::string> lines[] = {
      {{"--depth", "5000"}, "5028 tokens, the context is 4096"},
      {{"--depth", "100", "--ctx", "120"}, "the context is 120"},
      {{"--kv", "int99"}, "int99"},
      {{"--plot", (folder_ / "nowhere").string() + "/speed.svg"}, "nowhere"},
  };
  for (const auto& [more, words] : lines) {
    const Outcome outcome = pith(command(more));
    EXPECT_EQ(outcome.status, 1) << outcome.err;
    EXPECT_EQ(outcome.out, "");
    EXPECT_NE(outcome.err.find(words), std::string::npos) << outcome.err;
    EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
  }
}

TEST_F(Bench, APlotThatFailedChangesNothing) {
  const std::string path = (folder_ / "speed.svg").string();
  EXPECT_EQ(pith(command({"--depth", "5000", "--plot", path})).status, 1);
  EXPECT_FALSE(std::filesystem::exists(path));
  write_text(path, "what was there before, and is longer than what comes");
  EXPECT_EQ(pith(command({"--depth", "5000", "--plot", path})).status, 1);
  EXPECT_EQ(read_file(path), "what was there before, and is longer than what comes");
}

TEST_F(Bench, MoreThanTheModelWasTrainedForIfAsked) {
  const json result =
      pith_json(command({"--depth", "5000", "--ctx", "6000", "--prompt", "1", "--rounds", "1", "--no-limits"}));
  EXPECT_EQ(result["results"][0]["depths"][0]["depth"], 5000);
}

}  // namespace
}  // namespace pith::test
