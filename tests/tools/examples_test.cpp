#include <pith/pith.h>

#include <sstream>

#include "tools/tool.h"

namespace pith::test {
namespace {

class Examples : public ToolTest {
 protected:
  static Outcome run(const std::string& name, const Args& arguments, const std::string& input = {}) {
    Args command = {built_program("example_" + name)};
    command.insert(command.end(), arguments.begin(), arguments.end());
    return run_process(command, {.input = input});
  }

  static int lines_of(const std::string& name) {
    std::ifstream file(std::string(PITH_SOURCE_DIR) + "/examples/" + name + ".cpp");
    int lines = 0;
    for (std::string line; std::getline(file, line);) lines += line.find_first_not_of(' ') != std::string::npos;
    return lines;
  }
};

TEST_F(Examples, AreShort) {
  EXPECT_LE(lines_of("generate"), 10);
  EXPECT_LE(lines_of("chat"), 20);
  for (const char* name : {"logits", "score", "embed", "n_best", "many_sessions", "batch"})
    EXPECT_LE(lines_of(name), 60) << name;
  EXPECT_LT(lines_of("custom_codec"), 80);
  EXPECT_LT(lines_of("custom_policy"), 60);
}

TEST_F(Examples, Generate) {
  Session session(Model::load(model_), {.kv = {.key = "int4"}});
  const Outcome outcome = run("generate", {model_, "the cat sat"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(outcome.out, session.generate("the cat sat", {.tokens_max = 32}).text + "\n");
}

TEST_F(Examples, BatchDrawsWhatEachSessionDrawsAlone) {
  const Model model = Model::load(model_);
  std::string expected;
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    Session session(model);
    session.feed("the cat sat");
    session.set_sampling({.temperature = 0.8F, .seed = seed});
    for (int i = 0; i < 24; ++i) expected += model.tokenizer().piece(session.step());
    expected += "\n";
  }
  const Outcome outcome = run("batch", {model_, "the cat sat"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(outcome.out, expected);
}

TEST_F(Examples, Chat) {
  Session session(Model::load(model_), {.kv = {.key = "int4"}});
  pith::Chat chat(session, "You are a helpful assistant.");
  const std::string first = chat.say("one").text;
  const std::string second = chat.say("two").text;
  const Outcome outcome = run("chat", {model_}, "one\ntwo\n");
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(outcome.out, "\n> " + first + "\n> " + second + "\n> ");
}

TEST_F(Examples, CtrlCDoesNotEndTheChat) {
  Process process({built_program("example_chat"), model_}, {.input = "one\n", .keeps_input_open = true});
  ASSERT_TRUE(process.has_begun());
  process.kill(SIGINT);
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  process.kill(SIGTERM);
  EXPECT_EQ(process.wait(), -SIGTERM);
}

TEST_F(Examples, CustomCodecIsRunAndEvaluatedLikeABuiltInOne) {
  const Outcome text = run("custom_codec", {"run", "-m", model_, "-p", "the cat sat", "-n", "4", "--kv", "minmax4"});
  EXPECT_EQ(text.status, 0) << text.err;
  std::string words;
  for (int i = 0; i < 400; ++i) words += "the " + std::to_string(i * 7919 % 1000) + " ";
  const std::string file = write_text(folder_ / "text.txt", words);
  const Outcome kl = run("custom_codec", {"eval", "kl", "-m", model_, "--text", file, "--context", "256", "--chunks",
                                          "1", "--kv", "minmax4", "--format", "json"});
  ASSERT_EQ(kl.status, 0) << kl.err;
  EXPECT_NE(kl.out.find("minmax4"), std::string::npos);
  const Outcome distortion = run("custom_codec", {"eval", "distortion", "--codecs", "minmax4", "--sizes", "64"});
  EXPECT_EQ(distortion.status, 0) << distortion.err;
  EXPECT_NE(distortion.out.find("minmax4"), std::string::npos);
  const Outcome unknown = run("custom_codec", {"run", "-m", model_, "-p", "the", "--kv", "minmax5"});
  EXPECT_EQ(unknown.status, 1);
  EXPECT_NE(unknown.err.find("minmax4"), std::string::npos) << "the known names hold the custom one";
}

TEST_F(Examples, CustomPolicyForgetsNothingWithinItsBudget) {
  Session session(Model::load(model_), {.kv = {.key = "int4"}});
  const Outcome outcome = run("custom_policy", {model_, "the cat sat", "4000"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(outcome.out, session.generate("the cat sat", {.tokens_max = 64}).text + "\n");
}

TEST_F(Examples, CustomPolicyIsUsedBeyondItsBudget) {
  std::string words;
  for (int i = 0; i < 600; ++i) words += "the " + std::to_string(i * 7919 % 1000) + " ";
  const Outcome outcome = run("custom_policy", {model_, words, "512"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_FALSE(outcome.out.empty());
}

TEST_F(Examples, Logits) {
  const Model model = Model::load(model_);
  Session session(model);
  session.feed(model.tokenizer().encode("the cat sat"));
  const auto logits = session.logits();
  const auto best = static_cast<Token>(std::max_element(logits.begin(), logits.end()) - logits.begin());

  const Outcome outcome = run("logits", {model_, "the cat sat"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  std::istringstream lines(outcome.out);
  Token first = -1;
  lines >> first;
  EXPECT_EQ(first, best) << outcome.out;
  EXPECT_GE(std::count(outcome.out.begin(), outcome.out.end(), '\n'), 5);
}

TEST_F(Examples, Score) {
  Session session(Model::load(model_));
  const Tokenizer& tokenizer = session.model().tokenizer();
  session.feed("the cat");
  const std::vector<TokenScore> scores = session.score(tokenizer.encode(" sat", {.add_special = false}));
  ASSERT_FALSE(scores.empty());

  const Outcome outcome = run("score", {model_, "the cat", " sat"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  std::istringstream lines(outcome.out);
  std::string line;
  std::getline(lines, line);
  EXPECT_EQ(line, "logprob\trank\ttoken");
  double sum = 0.0;
  for (const TokenScore& score : scores) {
    ASSERT_TRUE(std::getline(lines, line));
    EXPECT_NEAR(std::stod(line), score.logprob, 1e-4);
    EXPECT_NE(line.find("\t" + std::to_string(score.rank) + "\t" + tokenizer.piece(score.token, true)),
              std::string::npos)
        << line;
    sum += score.logprob;
  }
  ASSERT_TRUE(std::getline(lines, line));
  EXPECT_NEAR(std::stod(line), sum, 1e-3);
}

TEST_F(Examples, Embed) {
  const auto cosine = [&](const char* one, const char* other) {
    const Outcome outcome = run("embed", {model_, one, other});
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    return std::stod(outcome.out);
  };
  EXPECT_NEAR(cosine("the cat", "the cat"), 1.0, 1e-5);
  EXPECT_LT(cosine("the cat", "nine"), 0.999);
}

TEST_F(Examples, NBest) {
  Session session(Model::load(model_), {.kv = {.key = "int4"}});
  session.feed("the cat sat");
  const std::vector<Hypothesis> expected = beam_search(session, {.beams = 4, .n_best = 3, .tokens_max = 16});
  const Outcome outcome = run("n_best", {model_, "the cat sat"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_TRUE(outcome.out.starts_with("sample\t")) << outcome.out;
  for (const Hypothesis& hypothesis : expected)
    EXPECT_NE(outcome.out.find("\t" + hypothesis.text + "\n"), std::string::npos) << outcome.out;
}

TEST_F(Examples, ManySessions) {
  const Outcome outcome = run("many_sessions", {model_, "the cat sat"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  std::size_t sessions = 0;
  for (std::size_t at = 0; (at = outcome.out.find(" bytes of cache, ", at)) != std::string::npos; ++at) ++sessions;
  EXPECT_EQ(sessions, 16U) << outcome.out;
  EXPECT_NE(outcome.out.find(" bytes in 16 sessions; shared: "), std::string::npos) << outcome.out;
}

TEST_F(Examples, EndWellOnAWrongFile) {
  const std::string text =
      write_text(folder_ / "text.gguf", "# This is no model, though it is long enough to be one.\n");
  for (const std::string& file : {std::string("no-such-model.gguf"), text}) {
    for (const char* name : {"generate", "chat", "logits", "score", "embed", "n_best", "many_sessions", "batch",
                             "custom_policy", "custom_codec"}) {
      const bool command = std::string_view(name) == "custom_codec";
      const Outcome outcome = run(name, command ? Args{"run", "-m", file, "-p", "the"} : Args{file}, "one\n");
      EXPECT_EQ(outcome.status, 1) << name;
      EXPECT_EQ(outcome.out, "") << name;
      EXPECT_NE(outcome.err.find(file), std::string::npos) << name << ": " << outcome.err;
      EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << name << ": " << outcome.err;
    }
  }
}

TEST_F(Examples, CustomPolicyEndsWellOnAWrongNumber) {
  const Outcome outcome = run("custom_policy", {model_, "the cat", "many"});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
}

}  // namespace
}  // namespace pith::test
