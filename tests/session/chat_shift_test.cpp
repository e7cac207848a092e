#include <gtest/gtest.h>
#include <pith/pith.h>

#include <string>
#include <vector>

#include "session/chat_fixture.h"

// A conversation that drops its oldest turns and computes nothing again.
namespace pith {
namespace {

using namespace test;
using Messages = std::vector<ChatMessage>;

class ChatShift : public testing::TestWithParam<const char*> {
 protected:
  static std::string question(int i) { return "question number " + std::to_string(i) + ", if you please"; }
  static ChatOptions options(const char* system) {
    ChatOptions options;
    options.system = system;
    options.overflow = ChatOverflow::kShift;
    return options;
  }
};

TEST_P(ChatShift, FeedsTheNewMessageAlone) {
  const Model model = load_tiny(GetParam());
  for (const char* system : {"Be brief.", ""}) {
    Session session(model, {.kv = {.key = "int4"}, .context = 1200});
    Chat chat(session, options(system));
    int drops = 0;
    std::size_t dropped = 0;
    for (int i = 0; i < 40; ++i) {
      const Generation generation = chat.say(question(i), letters(30));
      EXPECT_EQ(generation.reason, FinishReason::kLength);
      EXPECT_EQ(generation.recomputed_tokens, 0);
      if (i > 0) {
        EXPECT_LT(generation.prompt_tokens, 160) << "turn " << i << ": the message and what is around it";
      }
      drops += chat.dropped() != dropped ? 1 : 0;
      dropped = chat.dropped();
      const Messages& messages = chat.messages();
      if (*system != '\0') {
        EXPECT_EQ(messages.front(), (ChatMessage{"system", system}));
      }
      const std::string rendered = rendered_prompt(model, messages);
      EXPECT_NE(held_text(session).find(rendered), std::string::npos) << held_text(session);
      EXPECT_LE(held_text(session).find(rendered), 16U) << "after a BOS at most";
    }
    EXPECT_GT(drops, 3);
    // What is left can be changed as ever.
    chat.edit(chat.messages().size() - 2, "something else");
    chat.pop_back();
    chat.reply(letters(10));
    EXPECT_NE(held_text(session).find(rendered_prompt(model, chat.messages())), std::string::npos);
    chat.regenerate(letters(10, 2));
    EXPECT_NE(held_text(session).find(rendered_prompt(model, chat.messages())), std::string::npos);
  }
}

INSTANTIATE_TEST_SUITE_P(, ChatShift, testing::Values(kChatMl, kLlama3, kGemma),
                         [](const auto& test) { return "format" + std::to_string(test.index); });

TEST(ChatShifts, DropWhatKDropOldestDrops) {
  const Model model = load_tiny();
  Session one(model, {.context = 300});
  Session other(model, {.context = 300});
  ChatOptions options;
  options.system = "Be brief.";
  Chat dropping(one, options);
  options.overflow = ChatOverflow::kShift;
  Chat shifting(other, options);
  for (int i = 0; i < 20; ++i) {
    const std::string message = "message " + std::to_string(i);
    dropping.say(message, letters(20));
    shifting.say(message, letters(20));
    ASSERT_EQ(shifting.dropped(), dropping.dropped());
    ASSERT_EQ(shifting.messages().size(), dropping.messages().size());
  }
  EXPECT_GT(shifting.dropped(), 10U);
}

/// A reply that was cut off is in the conversation as far as it goes.
TEST(ChatShifts, GoesOnAfterRepliesThatFilledTheContext) {
  const Model model = load_tiny();
  Session session(model, {.context = 160});
  Chat chat(session, {.system = "Be brief.", .overflow = ChatOverflow::kShift, .reserve = 10});
  for (int i = 0; i < 6; ++i) {
    EXPECT_EQ(chat.say("go on", letters(1000)).reason, FinishReason::kContext);
    EXPECT_NE(held_text(session).find(rendered_prompt(model, chat.messages())), std::string::npos);
  }
  EXPECT_GT(chat.dropped(), 5U);
}

/// Sessions that read sparsely do not drop.
TEST(ChatShifts, ComputesTheRestAgainWhereItMust) {
  const Model model = load_tiny();
  SessionOptions sparse{.context = 300};
  sparse.kv.read_share = 0.5;
  Session session(model, sparse);
  Chat chat(session, {.system = "Be brief.", .overflow = ChatOverflow::kShift});
  for (int i = 0; i < 12; ++i) {
    chat.say("message " + std::to_string(i), letters(20));
    EXPECT_NE(held_text(session).find(rendered_prompt(model, chat.messages())), std::string::npos);
  }
  EXPECT_GT(chat.dropped(), 4U);
}

}  // namespace
}  // namespace pith
