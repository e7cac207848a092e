#include <pith/pith.h>

#include "tools/tool.h"

// --evict and what goes with it, wherever a cache is chosen.
namespace pith::test {
namespace {

std::string many_words() {
  std::string text;
  for (int i = 0; i < 300; ++i) text += "the " + std::to_string(i * 7919 % 1000) + " and other words, ";
  return text;
}

class EvictFlags : public ToolTest {
 protected:
  Args run(const Args& more) const {
    Args arguments = {"run", "-m", model_, "-p", "the cat sat on", "-n", "400", "--ignore-end"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }

  const std::string text_ = write_text(folder_ / "text.txt", many_words());
};

TEST_F(EvictFlags, AreTheLibrarysOptions) {
  SessionOptions options{.kv = {.key = "int8"}};
  options.eviction.policy = "h2o";
  options.eviction.parameters = {{"decay", 0.5}, {"grace", 8}};
  options.eviction.allocator = "pyramid";
  options.eviction.allocator_parameters = {{"beta", 10}};
  options.eviction.selector = "page";
  options.eviction.budget_tokens = 240;
  options.eviction.sinks = 2;
  options.eviction.recent = 32;
  options.eviction.interval = 64;
  Session session(Model::load(model_), options);
  const Generation expected = session.generate("the cat sat on", {.tokens_max = 400, .ignore_end = true});
  const json answer =
      pith_json(run({"--evict", "h2o:decay=0.5,grace=8", "--allocator", "pyramid:beta=10", "--selector", "page",
                     "--budget", "240", "--sinks", "2", "--recent", "32", "--evict-interval", "64"}));
  EXPECT_EQ(answer["tokens"], json(expected.tokens));
  EXPECT_EQ(answer["kv_held_tokens"], session.kv_stats().held_tokens);
  EXPECT_EQ(answer["kv_policy_bytes"], session.kv_stats().policy_bytes);
  EXPECT_LE(answer["kv_held_tokens"], 240);
  EXPECT_GT(answer["kv_policy_bytes"], 0);
}

TEST_F(EvictFlags, SummaryShowsWhatIsHeld) {
  const Outcome evicted = pith(run({"--evict", "tova", "--budget", "240"}));
  EXPECT_EQ(evicted.status, 0) << evicted.err;
  EXPECT_NE(evicted.err.find(" of them held, "), std::string::npos) << evicted.err;
  EXPECT_NE(evicted.err.find(" for the eviction policy"), std::string::npos) << evicted.err;
  const Outcome whole = pith(run({}));
  EXPECT_EQ(whole.err.find("held"), std::string::npos) << whole.err;
  EXPECT_EQ(whole.err.find("policy"), std::string::npos) << whole.err;
  const json answer = pith_json(run({}));
  EXPECT_EQ(answer["kv_held_tokens"], answer["kv_tokens"]);
  EXPECT_EQ(answer["kv_policy_bytes"], 0);
}

TEST_F(EvictFlags, BytesAreABudget) {
  const json whole = pith_json(run({}));
  const auto limit = whole["kv_bytes"].get<std::uint64_t>() * 3 / 4;
  const json answer = pith_json(run({"--evict", "window", "--budget-bytes", std::to_string(limit)}));
  EXPECT_LE(answer["kv_bytes"], limit);
  EXPECT_LT(answer["kv_held_tokens"], answer["kv_tokens"]);
}

TEST_F(EvictFlags, ChatForgetsToo) {
  const Args command = {"chat", "-m",      model_,   "-n",       "300", "--ignore-end",
                        "-v",   "--evict", "window", "--budget", "240"};
  const Outcome outcome = pith(command, {.input = "the cat\n"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_NE(outcome.err.find(" of them held, "), std::string::npos) << outcome.err;
}

TEST_F(EvictFlags, PerplexityOfWhatIsLeft) {
  const Args command = {"eval", "perplexity", "-m", model_,    "--text", text_,     "--context",
                        "600",  "--chunks",   "1",  "--evict", "h2o",    "--budget"};
  const auto with = [&](const char* budget) {
    Args args = command;
    args.emplace_back(budget);
    return pith_json(args);
  };
  const json whole = with("4000");
  const json evicted = with("200");
  EXPECT_EQ(whole["eviction"]["policy"], "h2o");
  EXPECT_EQ(whole["eviction"]["budget_tokens"], 4000);
  EXPECT_EQ(whole["eviction"]["seed"], 0);
  EXPECT_EQ(whole["eviction"]["observe"], json::array());
  EXPECT_LE(evicted["kv_held_tokens"], 200);
  EXPECT_NE(evicted["perplexity"], whole["perplexity"]);
  const json plain =
      pith_json({"eval", "perplexity", "-m", model_, "--text", text_, "--context", "600", "--chunks", "1"});
  EXPECT_TRUE(plain["eviction"].is_null());
  EXPECT_EQ(plain["perplexity"], whole["perplexity"]);
}

TEST_F(EvictFlags, DivergenceIsOfTheCodecsAloneAndNotOfTheBaseline) {
  const json result = pith_json({"eval", "kl", "-m", model_, "--text", text_, "--context", "600", "--chunks", "1",
                                 "--kv", "f32", "--arithmetic", "f32", "--evict", "tova", "--budget", "200"});
  EXPECT_EQ(result["eviction"]["policy"], "tova");
  EXPECT_GT(result["results"][0]["mean_kl"].get<double>(), 1e-6);
  EXPECT_LT(result["results"][1]["mean_kl"].get<double>(), 1e-6) << "the floor forgets nothing";
  EXPECT_LT(result["results"][0]["bits"].get<double>(), 20);
}

TEST_F(EvictFlags, NeedlesAreLookedForInWhatIsLeft) {
  const json result = pith_json({"eval", "needle", "-m", model_, "--haystack", text_, "--lengths", "500", "--depths",
                                 "50", "--kv", "f32", "--evict", "window", "--budget", "200"});
  EXPECT_EQ(result["eviction"]["budget_tokens"], 200);
  EXPECT_NE(result["codecs"][0]["cells"][0]["difference"], 0.0);
}

TEST_F(EvictFlags, Failures) {
  const std::pair<Args, const char*> lines[] = {
      {run({"--evict", "h3o", "--budget", "300"}), "h3o"},
      {run({"--evict", "h2o:grease=1", "--budget", "300"}), "grease"},
      {run({"--evict", "h2o:decay=2", "--budget", "300"}), "decay"},
      {run({"--evict", "h2o"}), "--evict h2o needs a budget"},
      {run({"--budget", "300"}), "needs a policy"},
      {run({"--evict", "kvzip", "--budget", "300"}), "kvzip"},
      {run({"--evict", "h2o", "--budget", "100"}), "budget is 100 tokens"},
      {run({"--evict", "h2o", "--budget", "300", "--allocator", "zap"}), "zap"},
      {run({"--evict", "h2o", "--budget", "300", "--selector", "zop"}), "zop"}};
  for (const auto& [line, why] : lines) {
    const Outcome outcome = pith(line);
    EXPECT_EQ(outcome.status, 1) << why;
    EXPECT_NE(outcome.err.find(why), std::string::npos) << outcome.err;
  }
  for (const char* part : {"", ":decay=1", "h2o:", "h2o:decay", "h2o:decay=", "h2o:=1", "h2o:decay=1x", "h2o:decay=nan",
                           "h2o:decay=1,,grace=1", "h2o:decay=1,decay=1"}) {
    EXPECT_EQ(pith(run({"--evict", part, "--budget", "300"})).status, 2) << part;
  }
}

}  // namespace
}  // namespace pith::test
