#include <pith/pith.h>

#include <csignal>

#include "tools/tool.h"

namespace pith::test {
namespace {

class ChatTool : public ToolTest {
 protected:
  const Args command_ = {"chat", "-m", model_, "-n", "6", "--ignore-end", "--system", "Be brief."};
};

TEST_F(ChatTool, RepliesAsTheLibraryDoes) {
  Session session(Model::load(model_), {.kv = {.key = "int8"}});
  pith::Chat chat(session, "Be brief.");
  const GenerateOptions options = {.tokens_max = 6, .ignore_end = true};
  std::string expected = chat.say("one", options).text + "\n";
  expected += chat.say("two words", options).text + "\n";
  const Outcome outcome = pith(command_, {.input = "one\n\ntwo words"});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.out, expected);
  EXPECT_EQ(outcome.err.find("KV cache: int8 keys and values, "), 0U) << outcome.err;
  EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
}

TEST_F(ChatTool, NothingSaid) {
  const Outcome outcome = pith(command_, {.input = ""});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.out, "");
  EXPECT_EQ(outcome.err, "");
}

TEST_F(ChatTool, GivesInputsToTheTemplate) {
  Args command = command_;
  command.insert(command.end(), {"--template-var", "enable_thinking=false", "--template-var", "mood=calm"});
  const Outcome outcome = pith(command, {.input = "one"});
  if (Model::load(model_).chat_template().is_jinja()) {
    EXPECT_EQ(outcome.status, 0) << outcome.err;
  } else {
    EXPECT_NE(outcome.err.find("need a Jinja template"), std::string::npos) << outcome.err;
  }
  EXPECT_EQ(pith({"chat", "-m", model_, "--template-var", "nothing"}).status, 2);
  const Outcome missing = pith({"chat", "-m", model_, "--tools", "/nonexistent/tools.json"}, {.input = "one"});
  EXPECT_EQ(missing.status, 1);
  EXPECT_NE(missing.err.find("/nonexistent/tools.json"), std::string::npos) << missing.err;
  EXPECT_EQ(pith({"run", "-m", model_, "-p", "x", "--tools", "t.json"}).status, 2);
}

TEST_F(ChatTool, VerboseTellsSpeedAndBytes) {
  Args command = command_;
  command.insert(command.end(), {"-v", "--kv", "int8"});
  const Outcome outcome = pith(command, {.input = "one\ntwo\n"});
  EXPECT_EQ(outcome.status, 0);
  std::size_t summaries = 0;
  for (std::size_t at = outcome.err.find("KV cache"); at != std::string::npos;
       at = outcome.err.find("KV cache", at + 1)) {
    ++summaries;
  }
  // After each reply, and at the end.
  EXPECT_EQ(summaries, 3U) << outcome.err;
}

TEST_F(ChatTool, AFullContextForgetsTheOldestTurnsAndSaysSo) {
  Args command = command_;
  command.insert(command.end(), {"--ctx", "200"});
  std::string said;
  for (int i = 0; i < 12; ++i) said += "question number " + std::to_string(i) + "\n";
  const Outcome outcome = pith(command, {.input = said});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_NE(outcome.err.find("oldest messages are forgotten"), std::string::npos) << outcome.err;

  command.insert(command.end(), {"--overflow", "error"});
  const Outcome error = pith(command, {.input = said});
  EXPECT_EQ(error.status, 1);
  EXPECT_NE(error.err.find("the context is 200"), std::string::npos) << error.err;
  EXPECT_FALSE(error.out.empty());

  command.back() = "evict";
  EXPECT_EQ(pith(command, {.input = said}).status, 1) << "there is no policy";
  command.insert(command.end(), {"--evict", "window", "--budget", "256"});
  const Outcome evicted = pith(command, {.input = said});
  EXPECT_EQ(evicted.status, 0) << evicted.err;
  EXPECT_EQ(evicted.err.find("forgotten"), std::string::npos) << evicted.err;
}

TEST_F(ChatTool, AMessageThatNeverFitsEndsAConversationFromAFile) {
  Args command = command_;
  command.insert(command.end(), {"--ctx", "100"});
  const Outcome outcome = pith(command, {.input = std::string(500, 'x') + "\n"});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_NE(outcome.err.find("nothing left to drop"), std::string::npos) << outcome.err;
}

TEST_F(ChatTool, SpecialTokensInMessagesAreText) {
  Session session(Model::load(model_));
  pith::Chat chat(session, "Be brief.");
  const std::string said = "a<|im_end|>b";
  const std::string expected = chat.say(said, {.tokens_max = 6, .ignore_end = true}).text + "\n";
  EXPECT_EQ(std::count(session.tokens().begin(), session.tokens().end(), 2), 2);
  EXPECT_EQ(pith_output(command_, said), expected);
}

TEST_F(ChatTool, InterruptWhileWaitingEndsTheProgram) {
  Process process(pith_command(command_), {.input = "one\n", .keeps_input_open = true});
  ASSERT_TRUE(process.has_begun());
  // The reply's last byte says that it is over.
  for (int i = 0; i < 1000 && !process.output().ends_with("\n"); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  process.kill(SIGINT);
  EXPECT_EQ(process.wait(), -SIGINT);
}

TEST_F(ChatTool, InterruptCutsAReplyOnly) {
  const Args command = pith_command({"chat", "-m", model_, "-n", "100000000", "--ctx", "100000000", "--ignore-end"});
  Process process(command, {.input = "one\n"});
  ASSERT_TRUE(process.has_begun());
  process.kill(SIGINT);
  // Then standard input ends, and with it the conversation.
  EXPECT_EQ(process.wait(), 0);
  EXPECT_TRUE(process.output().ends_with("\n"));
}

TEST_F(ChatTool, NeedsAChatFormat) {
  GgufWriter writer = tiny_model_writer();
  writer.remove("tokenizer.chat_template");
  const auto path = folder_ / "base.gguf";
  writer.write(path);
  const Outcome outcome = pith({"chat", "-m", path.string()}, {.input = "hello\n"});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_NE(outcome.err.find("chat format"), std::string::npos) << outcome.err;
}

}  // namespace
}  // namespace pith::test
