#include <gtest/gtest.h>
#include <pith/pith.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "session/chat_fixture.h"

// Conversations in which a message ends in Error(kNumeric) go on as if it had not been sent.
namespace pith {
namespace {

using namespace test;

/// A model in which the character Q is NaN, and with it all that follows.
Model load_with_bad_q() {
  const TempDir folder;
  GgufWriter writer = tiny_model_writer({.tied_output = false});
  for (GgufWriter::Tensor& tensor : writer.tensors) {
    if (tensor.name != "token_embd.weight") continue;
    constexpr std::size_t kRow = 64;
    constexpr std::size_t kToken = 3 + 'Q';
    const std::vector<float> nan(kRow, std::nanf(""));
    std::memcpy(&tensor.data[kToken * kRow * sizeof(float)], nan.data(), kRow * sizeof(float));
  }
  writer.write(folder / "bad_q.gguf");
  return Model::load(folder / "bad_q.gguf", {.check_weights = false});
}

class ChatNumeric : public testing::TestWithParam<const char*> {
 protected:
  SessionOptions options() const { return {.kv = {.key = GetParam()}, .threads = 1}; }
  /// What a conversation without a failure says.
  std::vector<std::string> undisturbed(const std::vector<std::string>& messages) const {
    Session session(model_, options());
    Chat chat(session);
    std::vector<std::string> replies;
    replies.reserve(messages.size());
    for (const std::string& message : messages) replies.push_back(chat.say(message, letters(20)).text);
    return replies;
  }

  const Model model_ = load_with_bad_q();
};

TEST_P(ChatNumeric, TheNextMessageIsAnsweredAsIfTheBadOneHadNotBeenSent) {
  const std::vector<std::string> expected = undisturbed({"one", "two"});
  // Within a page, and over several pages that are compressed by then.
  for (const std::string& bad : {std::string("Q"), std::string("a Q b"), std::string(300, 'Q'),
                                 std::string(200, 'a') + "Q" + std::string(200, 'b')}) {
    Session session(model_, options());
    Chat chat(session);
    EXPECT_EQ(error_kind([&] { chat.say(bad, letters(20)); }), ErrorKind::kNumeric);
    EXPECT_TRUE(chat.messages().empty());
    EXPECT_EQ(chat.say("one", letters(20)).text, expected[0]) << bad;
    EXPECT_EQ(error_kind([&] { chat.say(bad, letters(20)); }), ErrorKind::kNumeric);
    EXPECT_EQ(error_kind([&] { chat.say(bad, letters(20)); }), ErrorKind::kNumeric) << "the same message again";
    EXPECT_EQ(chat.messages().size(), 2U);
    EXPECT_EQ(chat.say("two", letters(20)).text, expected[1]) << bad;
  }
}

TEST_P(ChatNumeric, ABadMessageCanBeEdited) {
  const std::vector<std::string> expected = undisturbed({"one", "two"});
  Session session(model_, options());
  Chat chat(session);
  chat.say("one", letters(20));
  chat.append({"user", "Q"});
  EXPECT_EQ(error_kind([&] { chat.reply(letters(20)); }), ErrorKind::kNumeric);
  chat.edit(2, "two");
  EXPECT_EQ(chat.reply(letters(20)).text, expected[1]);
}

TEST_P(ChatNumeric, AFailureInTheMiddleOfAReply) {
  const std::vector<std::string> expected = undisturbed({"one", "two"});
  Session session(model_, options());
  Chat chat(session);
  chat.say("one", letters(20));
  GenerateOptions failing = letters(20);
  int drawn = 0;
  failing.on_logits = [&](std::span<const Token>, std::span<float> logits) {
    if (++drawn == 5) logits[0] = std::numeric_limits<float>::quiet_NaN();
  };
  EXPECT_EQ(error_kind([&] { chat.say("two", failing); }), ErrorKind::kNumeric);
  EXPECT_EQ(chat.messages().size(), 2U);
  EXPECT_EQ(chat.say("two", letters(20)).text, expected[1]);
}

TEST_P(ChatNumeric, AReplyThatBringsTheBadToken) {
  const std::vector<std::string> expected = undisturbed({"one"});
  Session session(model_, options());
  Chat chat(session);
  GenerateOptions bad = letters(20);
  bad.sampling.logit_bias[3 + 'Q'] = 1e6F;
  EXPECT_EQ(error_kind([&] { chat.say("one", bad); }), ErrorKind::kNumeric);
  EXPECT_EQ(error_kind([&] { chat.say("one", bad); }), ErrorKind::kNumeric);
  EXPECT_EQ(chat.say("one", letters(20)).text, expected[0]);
}

INSTANTIATE_TEST_SUITE_P(Codecs, ChatNumeric, testing::Values("f16", "int8", "int4"),
                         [](const auto& test) { return std::string(test.param); });

}  // namespace
}  // namespace pith
