#include <pith/pith.h>

#include "support/paths.h"
#include "tools/tool.h"

namespace pith::test {
namespace {

class PlanTool : public ToolTest {
 protected:
  Args command(const Args& more) const {
    Args arguments = {"plan", model_, "--no-limits"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
};

TEST_F(PlanTool, SaysWhatThePredictionsSay) {
  const json plan = pith_json(command({"--memory", "64MiB", "--kv", "f16", "--kv", "int8/int4", "--sessions", "2"}));
  EXPECT_EQ(plan["model"], "random llama");
  EXPECT_EQ(plan["memory_bytes"], 64 << 20);
  EXPECT_EQ(plan["sessions"], 2);
  EXPECT_EQ(plan["context_trained"], 4096);
  EXPECT_EQ(plan["file_bytes"], std::filesystem::file_size(model_));
  EXPECT_EQ(plan["limits"], nullptr);
  const ModelOutline outline = ModelOutline::read(model_);
  const SessionOptions options[] = {{.kv = {.key = "f16"}}, {.kv = {.key = "int8", .value = "int4"}}};
  for (std::size_t i = 0; i < 2; ++i) {
    const json& row = plan["results"][i];
    const int tokens = row["tokens"];
    EXPECT_EQ(row["longest_context"], tokens);
    EXPECT_GT(tokens, 0);
    EXPECT_EQ(row["fits"], true);
    const MemoryPlan memory = outline.predict_memory(options[i], tokens, 2);
    EXPECT_EQ(row["kv_bytes"], memory.kv_bytes);
    EXPECT_EQ(row["total_bytes"], memory.total());
    EXPECT_LE(memory.total(), 64U << 20);
    EXPECT_GT(outline.predict_memory(options[i], tokens + 64, 2).total(), 64U << 20);
    EXPECT_EQ(row["beyond_trained"], tokens > 4096);
    EXPECT_EQ(row["decode_tokens_per_second_at_most"], nullptr);
  }
  EXPECT_EQ(plan["results"][1]["kv"], "int8/int4");
}

TEST_F(PlanTool, TextHasALineForEachUsualCache) {
  const std::string text = pith_output(command({"--memory", "1GiB"}));
  for (const char* part : {"random llama, F32, trained for 4,096 tokens; 1.00 GiB for one session\n", "\nf16 ",
                           "\nint8 ", "\nint4 ", "\nint3 ", "\nint2 ", "* longer than the 4,096 tokens"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << " is not in\n" << text;
  }
  EXPECT_EQ(text.find("at most"), std::string::npos) << "no limits, no bounds";
}

TEST_F(PlanTool, MemoryThatTheProcessMayUseByDefault) {
  EXPECT_EQ(pith_json(command({}))["memory_bytes"].get<std::uint64_t>(), usable_memory());
}

TEST_F(PlanTool, MoreMemoryThanTheProcessMayUseIsSaid) {
  const std::string warning = "More than this process may use here: ";
  EXPECT_NE(pith_output(command({"--memory", "1000TiB", "--kv", "int4"})).find(warning), std::string::npos);
  EXPECT_EQ(pith_output(command({"--memory", "16MiB", "--kv", "int4"})).find(warning), std::string::npos);
  const json plan = pith_json(command({"--memory", "1000TiB", "--kv", "int4"}));
  EXPECT_EQ(plan["usable_memory_bytes"].get<std::uint64_t>(), usable_memory());
}

TEST_F(PlanTool, WhatDoesNotFitIsSaid) {
  const std::string text = pith_output(command({"--memory", "100KiB", "--kv", "int4"}));
  EXPECT_NE(text.find(" none "), std::string::npos) << text;
  EXPECT_NE(text.find("The model does not fit: "), std::string::npos) << text;
  EXPECT_NE(text.find("The file is larger than the memory: "), std::string::npos) << text;
  EXPECT_EQ(pith_json(command({"--memory", "100KiB", "--kv", "int4"}))["results"][0]["fits"], false);
}

TEST_F(PlanTool, AContextThatIsAskedFor) {
  const json plan = pith_json(command({"--memory", "1GiB", "--context", "5000", "--kv", "int4"}));
  EXPECT_EQ(plan["results"][0]["tokens"], 5000);
  EXPECT_EQ(plan["results"][0]["fits"], true);
  EXPECT_EQ(plan["results"][0]["beyond_trained"], true);
  EXPECT_GT(plan["results"][0]["longest_context"], 5000);
  const std::string text = pith_output(command({"--memory", "1GiB", "--context", "5000", "--kv", "int4"}));
  EXPECT_NE(text.find(" 5,000* "), std::string::npos) << text;
  EXPECT_NE(text.find(" yes "), std::string::npos) << text;
}

TEST_F(PlanTool, SpeedsAreBounds) {
  const Args arguments = {"plan", model_, "--memory", "256MiB", "--kv", "int8", "--threads", "1"};
  const json plan = pith_json(arguments);
  EXPECT_EQ(plan["limits"]["threads"], 1);
  EXPECT_GT(plan["limits"]["read_bytes_per_second"], 0);
  const json& row = plan["results"][0];
  for (const char* rate : {"decode_tokens_per_second_at_most", "prompt_tokens_per_second_at_most"}) {
    EXPECT_GT(row[rate]["empty"], row[rate]["full"]) << rate;
    EXPECT_GT(row[rate]["full"], 0) << rate;
  }
  const std::string text = pith_output(arguments);
  EXPECT_NE(text.find("Speeds are bounds in tokens/s, at most"), std::string::npos) << text;
}

TEST_F(PlanTool, PlotIsAChart) {
  const std::string plot = (folder_ / "plan.svg").string();
  pith_output(command({"--memory", "1GiB", "--plot", plot}));
  const std::string chart = read_file(plot);
  EXPECT_TRUE(chart.starts_with("<svg")) << chart.substr(0, 100);
  EXPECT_NE(chart.find("int4"), std::string::npos);
  EXPECT_EQ(pith(command({"--plot", (folder_ / "no" / "where.svg").string()})).status, 1);
}

TEST_F(PlanTool, FailuresAreOneLine) {
  for (const Args& arguments : {Args{"plan", "missing.gguf", "--no-limits"}, command({"--kv", "int5"})}) {
    const Outcome outcome = pith(arguments);
    EXPECT_EQ(outcome.status, 1);
    EXPECT_EQ(outcome.out, "");
    EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
  }
}

/// What a plan says against what the system counted while a session was that long: at most a tenth apart.
TEST_F(PlanTool, PredictsTheMemoryOfARun) {
  if (PITH_SANITIZED != 0) GTEST_SKIP() << "sanitizers take memory of their own";
  for (const char* name : {"smollm2", "gemma3"}) {
    const auto model = find_model(name);
    if (!model) GTEST_SKIP() << "no model " << name;
    std::string ids;
    for (int i = 0; i < 1000; ++i) ids += std::to_string(1000 + i * 7919 % 40000) + " ";
    const std::string text = write_text(folder_ / "ids.txt", ids);
    for (const char* kv : {"f16", "int4"}) {
      const Outcome run = pith({"logits", "-m", model->string(), "-f", text, "--ids", "--out", "/dev/null", "--kv", kv,
                                "--ctx", "1000", "--threads", "2"});
      ASSERT_EQ(run.status, 0) << run.err;
      const json plan = pith_json({"plan", model->string(), "--context", "1000", "--kv", kv, "--no-limits"});
      const double predicted = plan["results"][0]["total_bytes"];
      const auto measured = static_cast<double>(run.peak_bytes);
      EXPECT_NEAR(predicted / measured, 1.0, 0.1)
          << name << ' ' << kv << ": predicted " << predicted / (1 << 20) << " MiB, measured " << measured / (1 << 20);
    }
  }
}

}  // namespace
}  // namespace pith::test
