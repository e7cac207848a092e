#include <pith/pith.h>

#include <csignal>

#include "support/paths.h"
#include "tools/tool.h"

namespace pith::test {
namespace {

class Run : public ToolTest {
 protected:
  Args command(const Args& more) const {
    Args arguments = {"run", "-m", model_, "-p", "the cat sat on", "-n", "24", "--ignore-end"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
};

TEST_F(Run, StreamsTheLibrarysAnswer) {
  Session session(Model::load(model_), {.kv = {.key = "int8"}});
  const Generation expected = session.generate("the cat sat on", {.tokens_max = 24, .ignore_end = true});
  EXPECT_EQ(pith_output(command({})), expected.text + "\n");

  const json answer = pith_json(command({}));
  EXPECT_EQ(answer["text"], expected.text);
  EXPECT_EQ(answer["tokens"], json(expected.tokens));
  EXPECT_EQ(answer["reason"], "length");
  EXPECT_EQ(answer["prompt_tokens"], expected.prompt_tokens);
  EXPECT_EQ(answer["decode_tokens"], 24);
  EXPECT_GT(answer["prompt_tokens_per_second"].get<double>(), 0);
  EXPECT_GT(answer["decode_tokens_per_second"].get<double>(), 0);
  EXPECT_EQ(answer["kv_tokens"], session.position());
  EXPECT_EQ(answer["kv_bytes"], session.kv_stats().bytes);
  EXPECT_EQ(answer["kv_bytes_f16"], session.kv_stats().bytes_f16);
}

TEST_F(Run, SummaryGoesToStandardError) {
  const Outcome outcome = pith(command({"--kv", "int4"}));
  EXPECT_EQ(outcome.status, 0);
  for (const char* part : {"prompt: ", "answer: 24 tokens", "tokens/s", "length", "int4", "f16"}) {
    EXPECT_NE(outcome.err.find(part), std::string::npos) << outcome.err;
  }
  EXPECT_EQ(pith(command({"--format", "json"})).err, "");
}

TEST_F(Run, EndsByTheCacheAndWhatItSaved) {
  std::string prompt;
  while (prompt.size() < 1500) prompt += "the " + std::to_string(prompt.size() * 7919 % 1000) + " cats, ";
  const auto last_line = [&](const Args& more) {
    Args arguments = {"run", "-m", model_, "-f", "-", "-n", "2", "--ignore-end"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const std::string err = pith(arguments, {.input = prompt}).err;
    const std::size_t start = err.rfind('\n', err.size() - 2);
    return err.substr(start + 1);
  };
  EXPECT_THAT(last_line({}), testing::MatchesRegex("KV cache: int8 keys and values, [0-9.]+ KiB for [0-9]+ tokens, "
                                                   "[0-9.]+ KiB \\([0-9]+ %\\) less than f16\n"));
  EXPECT_THAT(last_line({"--kv", "int8/int4"}), testing::StartsWith("KV cache: int8 keys, int4 values, "));
  EXPECT_THAT(last_line({"--kv", "f32"}), testing::HasSubstr(" %) more than f16"));
}

TEST_F(Run, AContextBeyondTheTrainedOneIsSaid) {
  EXPECT_EQ(pith(command({"--ctx", "4096", "--format", "json"})).err, "");
  const Outcome outcome = pith(command({"--ctx", "4097", "--format", "json"}));
  EXPECT_EQ(outcome.status, 0);
  EXPECT_THAT(outcome.err, testing::HasSubstr("warning: a context of 4097 tokens, but the model was trained for 4096"));
  EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
}

TEST_F(Run, PromptFromAFileOrStandardInput) {
  const std::string expected = pith_output(command({}));
  const std::string file = write_text(folder_ / "prompt.txt", "the cat sat on");
  EXPECT_EQ(pith_output({"run", "-m", model_, "-f", file, "-n", "24", "--ignore-end"}), expected);
  EXPECT_EQ(pith_output({"run", "-m", model_, "-f", "-", "-n", "24", "--ignore-end"}, "the cat sat on"), expected);
}

TEST_F(Run, PromptMayLookLikeAnOption) {
  const json answer = pith_json({"run", "-m", model_, "-p", "--kv", "-n", "1"});
  EXPECT_EQ(answer["prompt_tokens"], 4);
}

TEST_F(Run, KvTypes) {
  EXPECT_EQ(pith_json(command({}))["kv_key"], "int8");
  EXPECT_EQ(pith_json(command({}))["kv_value"], "int8");
  for (const char* type : {"f32", "f16", "int8", "int4"}) {
    const json answer = pith_json(command({"--kv", type}));
    EXPECT_EQ(answer["kv_key"], type);
    EXPECT_EQ(answer["kv_value"], type);
  }
  const json mixed = pith_json(command({"--kv-k", "int8", "--kv-v", "int4"}));
  EXPECT_EQ(mixed["kv_key"], "int8");
  EXPECT_EQ(mixed["kv_value"], "int4");
  const json keys_only = pith_json(command({"--kv-k", "f16"}));
  EXPECT_EQ(keys_only["kv_key"], "f16");
  EXPECT_EQ(keys_only["kv_value"], "int8");
}

TEST_F(Run, SparseReadingReachesTheSession) {
  std::string prompt;
  while (prompt.size() < 2500) prompt += "the " + std::to_string(prompt.size() * 7919 % 1000) + " cats, ";
  const std::string file = write_text(folder_ / "long.txt", prompt);
  const Args args = {"run", "-m", model_, "-f", file, "-n", "24", "--ignore-end", "--kv", "int4", "--sparse", "0.3"};
  SessionOptions options{.kv = {.key = "int4"}};
  options.kv.read_share = 0.3;
  Session session(Model::load(model_), options);
  const Generation expected = session.generate(prompt, {.tokens_max = 24, .ignore_end = true});
  const json answer = pith_json(args);
  EXPECT_EQ(answer["tokens"], json(expected.tokens));
  EXPECT_GT(session.kv_stats().summary_bytes, 0U);
  EXPECT_EQ(answer["kv_bytes"], session.kv_stats().bytes);
  EXPECT_EQ(pith({"run", "-m", model_, "-p", "a", "--sparse", "0"}).status, 2);
}

TEST_F(Run, ContextEndsTheAnswer) {
  const json answer = pith_json({"run", "-m", model_, "-p", "the cat", "--ctx", "20", "--ignore-end"});
  EXPECT_EQ(answer["reason"], "context");
  EXPECT_EQ(answer["kv_tokens"], 20);
}

TEST_F(Run, NoTokens) {
  const json answer = pith_json({"run", "-m", model_, "-p", "x", "-n", "0"});
  EXPECT_EQ(answer["text"], "");
  EXPECT_EQ(answer["tokens"], json::array());
  EXPECT_EQ(answer["decode_tokens_per_second"], 0.0);
}

TEST_F(Run, SeedsRepeat) {
  const auto drawn = [&](const char* seed) {
    return pith_json(command({"--temp", "30", "--top-k", "50", "--top-p", "0.99", "--min-p", "0.001", "--seed", seed}))
        .at("tokens");
  };
  EXPECT_EQ(drawn("1"), drawn("1"));
  EXPECT_NE(drawn("1"), drawn("2"));
  EXPECT_NE(drawn("18446744073709551615"), drawn("0"));
}

TEST_F(Run, ThreadsDoNotMatter) {
  EXPECT_EQ(pith_json(command({"--threads", "1"}))["tokens"], pith_json(command({"--threads", "3"}))["tokens"]);
}

TEST_F(Run, BiasReachesTheSampler) {
  EXPECT_EQ(pith_json(command({"--logit-bias", "100=1000"}))["tokens"], json(std::vector<int>(24, 100)));
}

TEST_F(Run, PenaltiesReachTheSampler) {
  const auto tokens_with = [&](const char* second_bias, const char* penalty, const char* value) {
    const json answer = pith_json(
        command({"--logit-bias", "200=1e6", "--logit-bias", std::string("201=") + second_bias, penalty, value}));
    return answer["tokens"].get<std::vector<int>>();
  };
  const auto turns = tokens_with("1e6", "--frequency-penalty", "1000");
  EXPECT_EQ(std::count(turns.begin(), turns.end(), 200), 12);
  EXPECT_EQ(std::count(turns.begin(), turns.end(), 201), 12);
  for (const auto& [penalty, value] : {std::pair("--repeat-penalty", "50"), std::pair("--presence-penalty", "5000")}) {
    const auto two = tokens_with("999000", penalty, value);
    EXPECT_EQ(two[0], 200) << penalty;
    EXPECT_EQ(two[1], 201) << penalty;
  }
  const auto forgotten = pith_json(command({"--logit-bias", "200=1e6", "--logit-bias", "201=999000",
                                            "--presence-penalty", "5000", "--penalty-window", "1"}))["tokens"];
  EXPECT_EQ(forgotten[2], 200);
}

TEST_F(Run, RepetitionStagesReachTheSampler) {
  const auto tokens_with = [&](const Args& more) {
    Args args = {"--logit-bias", "200=1e6", "--logit-bias", "201=999000"};
    args.insert(args.end(), more.begin(), more.end());
    return pith_json(command(args))["tokens"].get<std::vector<int>>();
  };
  const auto first_three = [](const std::vector<int>& tokens) {
    return std::vector(tokens.begin(), tokens.begin() + 3);
  };
  const auto once = tokens_with({"--no-repeat-ngram", "1"});
  EXPECT_EQ(once[0], 200);
  EXPECT_EQ(once[1], 201);
  EXPECT_EQ(std::count(once.begin(), once.end(), 200), 1);
  const Args dry = {"--dry-multiplier", "1e4", "--dry-base", "1", "--dry-allowed-length", "1", "--dry-breaker"};
  Args none = dry;
  none.emplace_back("");
  EXPECT_EQ(first_three(tokens_with(none)), (std::vector{200, 200, 201}));
  Args own = dry;
  own.push_back(pith::Tokenizer::load(model_).piece(200));
  EXPECT_EQ(tokens_with(own), std::vector(24, 200));
  none.insert(none.end(), {"--dry-window", "1"});
  EXPECT_EQ(tokens_with(none), std::vector(24, 200));
}

TEST_F(Run, CuttingStagesReachTheSampler) {
  // At this temperature 200 has a probability of 0.55, and 201 has 0.45.
  const auto tokens_with = [&](const Args& more) {
    Args args = {"--logit-bias", "200=1e6", "--logit-bias", "201=990000", "--temp", "5e4"};
    args.insert(args.end(), more.begin(), more.end());
    return pith_json(command(args))["tokens"];
  };
  const json only_200(std::vector<int>(24, 200));
  EXPECT_NE(tokens_with({}), only_200);
  EXPECT_EQ(tokens_with({"--typical-p", "0"}), only_200);
  EXPECT_EQ(tokens_with({"--mirostat-tau", "0.001", "--mirostat-eta", "0"}), only_200);
  EXPECT_EQ(tokens_with({"--xtc-probability", "1", "--xtc-threshold", "0.4"}), json(std::vector<int>(24, 201)));
  EXPECT_NE(tokens_with({"--xtc-probability", "1", "--xtc-threshold", "0.5"}), json(std::vector<int>(24, 201)));
}

TEST_F(Run, StopStringsEndTheAnswer) {
  const std::string text = pith_json(command({"--logit-bias", "100=1000"}))["text"];
  ASSERT_EQ(text.size(), 24U);
  const json answer = pith_json(
      command({"--logit-bias", "100=1000", "--stop", "not there", "--stop", text.substr(0, 3), "--stop", "nor this"}));
  EXPECT_EQ(answer["reason"], "stop");
  EXPECT_EQ(answer["text"], "");
  EXPECT_EQ(answer["decode_tokens"], 3);
}

TEST_F(Run, TheEndTokenEndsTheAnswer) {
  const json answer = pith_json({"run", "-m", model_, "-p", "x", "--logit-bias", "2=1000"});
  EXPECT_EQ(answer["reason"], "end");
  EXPECT_EQ(answer["text"], "");
}

TEST_F(Run, ChatPutsThePromptIntoTheFormat) {
  Session session(Model::load(model_), {.kv = {.key = "int8"}});
  Chat chat(session);
  const Generation expected = chat.say("hello", {.tokens_max = 8, .ignore_end = true});
  const json answer = pith_json({"run", "-m", model_, "-p", "hello", "-n", "8", "--ignore-end", "--chat"});
  EXPECT_EQ(answer["tokens"], json(expected.tokens));
  EXPECT_EQ(answer["prompt_tokens"], expected.prompt_tokens);
}

TEST_F(Run, ReferenceArithmetic) {
  const Model model = Model::load(model_, {.arithmetic = Arithmetic::kF32});
  Session session(model, {.kv = {.key = "int8"}});
  const Generation expected = session.generate("the cat sat on", {.tokens_max = 24, .ignore_end = true});
  EXPECT_EQ(pith_json(command({"--arithmetic", "f32"}))["tokens"], json(expected.tokens));
}

TEST_F(Run, VerboseShowsTheLog) {
  const Outcome outcome = pith(command({"--format", "json", "-v"}));
  EXPECT_NE(outcome.err.find("llama"), std::string::npos) << outcome.err;
  EXPECT_TRUE(json::accept(outcome.out));
}

TEST_F(Run, InterruptEndsTheAnswer) {
  const Args endless =
      pith_command({"run", "-m", model_, "-p", "x", "-n", "100000000", "--ctx", "100000000", "--ignore-end"});
  Process process(endless, {});
  ASSERT_TRUE(process.has_begun());
  process.kill(SIGINT);
  EXPECT_EQ(process.wait(), 0);
  EXPECT_NE(process.errors().find("cancelled"), std::string::npos) << process.errors();
  EXPECT_TRUE(process.output().ends_with("\n"));
}

TEST_F(Run, ARealModelKnowsTheCapital) {
  const auto model = find_model("smollm2");
  if (!model) GTEST_SKIP() << "SmolLM2 is not there";
  const json answer = pith_json(
      {"run", "-m", model->string(), "-p", "The capital of France is", "-n", "2", "--kv", "int4", "--stop", "."});
  EXPECT_EQ(answer["text"], " Paris");
  EXPECT_EQ(answer["prompt_tokens"], 5);
}

}  // namespace
}  // namespace pith::test
