#include <pith/command.h>
#include <pith/pith.h>

#include "tools/tool.h"

namespace pith::test {
namespace {

std::string many_sentences() {
  std::string text;
  for (int i = 0; i < 300; ++i) text += " It was said that <|im_end|> is " + std::to_string(i * 7919 % 1000) + ".";
  return text;
}

class EvalEviction : public ToolTest {
 protected:
  Args command(const std::string& task, const Args& more) const {
    Args args = {"eval", "eviction", "-m", model_, "--task", task, task == "needle" ? "--haystack" : "--text", text_};
    args.insert(args.end(), more.begin(), more.end());
    return args;
  }

  const std::string text_ = write_text(folder_ / "text.txt", many_sentences());
};

/// What rows say, one after another.
json column(const json& rows, const char* name) {
  json values = json::array();
  for (const json& row : rows) values.push_back(row.at(name));
  return values;
}

TEST_F(EvalEviction, KlHasItsFields) {
  const json result = pith_json(command("kl", {"--policies", "h2o", "--ratios", "0,0.5", "--context", "400", "--kv",
                                               "int8/int4", "--recent", "16", "--sinks", "3"}));
  EXPECT_EQ(result["task"], "kl");
  EXPECT_EQ(result["policies"], (json{"random", "window", "h2o"}));
  EXPECT_EQ(result["ratios"], (json{0, 0.5}));
  EXPECT_EQ(result["kv_key"], "int8");
  EXPECT_EQ(result["kv_value"], "int4");
  EXPECT_EQ(result["sinks"], 3);
  EXPECT_EQ(result["recent"], 16);
  EXPECT_EQ(result["context"], 400);
  EXPECT_EQ(result["chunks"], 1);
  EXPECT_EQ(result["tokens_scored"], 199);
  EXPECT_EQ(column(result["results"], "policy"), (json{"random", "random", "window", "window", "h2o", "h2o"}));
  EXPECT_EQ(column(result["results"], "ratio"), (json{0, 0.5, 0, 0.5, 0, 0.5}));
  for (const json& row : result["results"]) {
    EXPECT_EQ(row["held_tokens"], row["ratio"] == 0 ? 200 : 100);
    EXPECT_EQ(row["evicted_share"], row["ratio"]);
    EXPECT_EQ(row["mean_kl"] == 0, row["ratio"] == 0);
    EXPECT_EQ(row["perplexity_ratio"] == 1, row["ratio"] == 0);
    for (const char* name : {"standard_error", "median", "percentile_99", "max", "top_agreement", "kv_bytes"}) {
      EXPECT_TRUE(row.contains(name)) << name;
    }
  }
}

TEST_F(EvalEviction, NeedleTellsSeenFromNotSeen) {
  const json result = pith_json(command(
      "needle", {"--policies", "snapkv", "--ratios", "0.5", "--lengths", "300", "--depths", "0,50", "--repeats", "2"}));
  EXPECT_EQ(result["task"], "needle");
  EXPECT_EQ(result["lengths"], json{300});
  EXPECT_EQ(result["exact_f16"].size(), 1U);
  EXPECT_EQ(result["no_eviction"][0]["log_probabilities"], result["exact_f16"][0]["log_probabilities"])
      << "f16 is the default";
  EXPECT_EQ(column(result["results"], "question_seen"), (json{false, false, false, true, true, true}));
  EXPECT_EQ(column(result["results"], "policy"), (json{"random", "window", "snapkv", "random", "window", "snapkv"}));
  for (const json& row : result["results"]) {
    EXPECT_EQ(row["log_probabilities"].size(), 4U);
    EXPECT_EQ(row["ranks"].size(), 4U);
    EXPECT_TRUE(row.contains("recall"));
    EXPECT_NEAR(row["difference"].get<double>(),
                row["log_probability"].get<double>() - result["no_eviction"][0]["log_probability"].get<double>(),
                1e-12);
  }
  EXPECT_NE(result["results"][2]["log_probability"], result["results"][5]["log_probability"]);
}

TEST_F(EvalEviction, StreamHasBlocks) {
  const json result = pith_json(command("stream", {"--policies", "tova,kvzip", "--stream-tokens", "900", "--budget",
                                                   "200", "--block-tokens", "300", "--recent", "16"}));
  EXPECT_EQ(column(result["results"], "name"),
            (json{"fresh windows", "window, no sinks", "random", "window", "tova", "kvzip"}));
  EXPECT_EQ(result["budget"], 200);
  EXPECT_EQ(result["context_trained"], 4096);
  for (const json& row : result["results"]) {
    if (row["name"] == "kvzip") {
      EXPECT_TRUE(row.contains("unsupported"));
      EXPECT_FALSE(row.contains("blocks"));
      continue;
    }
    EXPECT_EQ(column(row["blocks"], "end"), (json{300, 600, 899}));
    for (const json& block : row["blocks"]) {
      EXPECT_LE(block["kv_held_tokens"], 200);
      EXPECT_GT(block["kv_bytes"], 0);
      EXPECT_GT(block["seconds_per_token"], 0);
    }
  }
}

TEST_F(EvalEviction, TablesAndProgress) {
  const Outcome kl = pith(command("kl", {"--policies", "tova", "--ratios", "0.5,0.75", "--context", "300"}));
  EXPECT_EQ(kl.status, 0) << kl.err;
  for (const char* part : {"policy ", "\nrandom ", "\nwindow ", "\ntova ", "\nagainst no eviction, "}) {
    EXPECT_NE(kl.out.find(part), std::string::npos) << part << kl.out;
  }
  EXPECT_EQ(std::count(kl.out.begin(), kl.out.end(), '\n'), 8) << kl.out;
  EXPECT_NE(kl.err.find("3 of 3: chunk 1, tova: mean KL "), std::string::npos) << kl.err;
  const Outcome needle =
      pith(command("needle", {"--policies", "tova", "--ratios", "0.5", "--lengths", "200", "--depths", "50"}));
  EXPECT_EQ(needle.status, 0) << needle.err;
  for (const char* part : {" seen      tova ", " not seen  tova ", " exact, f16 ", " no eviction "}) {
    EXPECT_NE(needle.out.find(part), std::string::npos) << part << needle.out;
  }
  EXPECT_NE(needle.err.find("1 of 1: length 200, depth 50 %"), std::string::npos) << needle.err;
  const Outcome stream = pith(command("stream", {"--policies", "tova", "--stream-tokens", "300", "--budget", "200"}));
  EXPECT_EQ(stream.status, 0) << stream.err;
  for (const char* part : {"\nfresh windows ", "\nwindow, no sinks ", "\ntova ", " in total\n"}) {
    EXPECT_NE(stream.out.find(part), std::string::npos) << part << stream.out;
  }
  EXPECT_NE(stream.err.find("50 of 50: tova, 299 tokens"), std::string::npos) << stream.err;
}

TEST_F(EvalEviction, WrongUsage) {
  const Args lines[] = {{"eval", "eviction", "-m", model_, "--text", text_},
                        {"eval", "eviction", "-m", model_, "--task", "kl"},
                        {"eval", "eviction", "-m", model_, "--task", "stream"},
                        {"eval", "eviction", "-m", model_, "--task", "needle", "--text", text_},
                        command("haystack", {}),
                        command("kl", {"--context", "3"}),
                        command("kl", {"--ratios", "half"}),
                        command("kl", {"--allocator", "adaptive:alpha"}),
                        command("needle", {"--depths", "101"})};
  for (const Args& line : lines) {
    const Outcome outcome = pith(line);
    EXPECT_EQ(outcome.status, 2) << line.back() << outcome.err;
    EXPECT_EQ(outcome.out, "");
  }
}

TEST_F(EvalEviction, Failures) {
  const std::pair<Args, const char*> lines[] = {
      {command("kl", {"--policies", "h3o"}), "h3o"},
      {command("needle", {"--policies", "h3o"}), "h3o"},
      {command("stream", {"--policies", "h3o"}), "h3o"},
      {command("kl", {"--ratios", "1"}), "ratio is 1, must be at least 0 and below 1"},
      {command("kl", {"--ratios", "0.5,-0.1"}), "ratio is -0.1"},
      {command("kl", {"--kv", "zip"}), "zip"},
      {command("kl", {"--context", "400", "--allocator", "zap"}), "zap"},
      {command("kl", {"--context", "400", "--selector", "zop"}), "zop"},
      {command("stream", {"--stream-tokens", "1000000"}), "too few for a stream of 1000000"},
      {command("stream", {"--stream-tokens", "500", "--budget", "100"}), "eviction budget is 100 tokens"}};
  for (const auto& [line, why] : lines) {
    const Outcome outcome = pith(line);
    EXPECT_EQ(outcome.status, 1) << why;
    EXPECT_EQ(outcome.out, "") << why;
    EXPECT_NE(outcome.err.find(why), std::string::npos) << outcome.err;
  }
}

/// Keeps the oldest tokens: nobody else does.
class Oldest : public EvictionPolicy {
 public:
  void score(const HeadView& head, std::span<float> scores) const override {
    for (std::size_t i = 0; i < head.tokens(); ++i) scores[i] = -static_cast<float>(head.positions[i]);
  }
};

TEST_F(EvalEviction, ProgramsBringTheirOwnPolicies) {
  auto policies = std::make_shared<EvictionRegistry>();
  policies->add_policy("oldest", [](const PolicyParameters&) { return std::make_unique<Oldest>(); });
  const auto run = [&](Args arguments) {
    arguments.insert(arguments.begin(), "pith");
    std::vector<char*> pointers;
    for (std::string& argument : arguments) pointers.push_back(argument.data());
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const int status = run_command(static_cast<int>(pointers.size()), pointers.data(), nullptr, policies);
    testing::internal::GetCapturedStderr();
    EXPECT_EQ(status, 0) << arguments.back();
    return testing::internal::GetCapturedStdout();
  };
  const json result = json::parse(
      run(command("kl", {"--policies", "oldest", "--ratios", "0.5", "--context", "300", "--format", "json"})));
  EXPECT_EQ(result["policies"].back(), "oldest");
  EXPECT_GT(result["results"][2]["mean_kl"], 0);
  EXPECT_NE(result["results"][2]["mean_kl"], result["results"][1]["mean_kl"]);
  const json answer = json::parse(run({"run", "-m", model_, "-p", "the", "-n", "300", "--ignore-end", "--evict",
                                       "oldest", "--budget", "200", "--format", "json"}));
  EXPECT_LE(answer["kv_held_tokens"], 200);
  EXPECT_NE(run({"run", "--help"}).find("oldest"), std::string::npos);
}

}  // namespace
}  // namespace pith::test
