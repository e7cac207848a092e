#include <gtest/gtest.h>
#include <pith/pith.h>

#include <string>
#include <vector>

#include "session/chat_fixture.h"
#include "session/chat_turns.h"

// A context that is full ends a reply, never a conversation.
namespace pith {
namespace {

using namespace test;
using Messages = std::vector<ChatMessage>;

class ChatFull : public testing::Test {
 protected:
  /// The system message stays, turns stay whole, and the session holds what messages() says.
  void expect_sound(const Session& session, const Chat& chat) const {
    const Messages& messages = chat.messages();
    ASSERT_GE(messages.size(), 3U);
    EXPECT_EQ(messages[0], (ChatMessage{"system", "Be brief."}));
    for (std::size_t i = 1; i < messages.size(); ++i) EXPECT_EQ(messages[i].role, i % 2 == 1 ? "user" : "assistant");
    EXPECT_TRUE(held_text(session).starts_with(rendered_prompt(model_, messages))) << held_text(session);
  }

  static std::string question(int i) { return "question number " + std::to_string(i) + ", if you please"; }

  Model model_ = load_tiny();
};

TEST_F(ChatFull, TheOldestTurnsGo) {
  Session session(model_, {.context = 300});
  Chat chat(session, "Be brief.");
  std::size_t dropped = 0;
  int drops = 0;
  for (int i = 0; i < 30; ++i) {
    const std::size_t before = chat.messages().size();
    const Generation generation = chat.say(question(i), letters(20));
    EXPECT_EQ(generation.reason, FinishReason::kLength) << "room is kept for the reply";
    const std::size_t now = chat.dropped() - dropped;
    EXPECT_EQ(chat.messages().size(), before + 2 - now);
    drops += now != 0 ? 1 : 0;
    dropped = chat.dropped();
    EXPECT_EQ(chat.messages()[chat.messages().size() - 2].content, question(i));
    expect_sound(session, chat);
  }
  EXPECT_GT(drops, 5);
  EXPECT_LT(drops, 15) << "not at every turn: what is left is computed again each time";
  EXPECT_EQ(chat.dropped() + chat.messages().size(), 61U);
}

TEST_F(ChatFull, WhatIsLeftIsComputedAsIfNothingElseHadBeenSaid) {
  Session session(model_, {.context = 300});
  Chat chat(session, "Be brief.");
  Generation last;
  for (int i = 0; chat.dropped() == 0; ++i) last = chat.say(question(i), letters(20));
  Session fresh(model_);
  Chat again(fresh, {.messages = {chat.messages().begin(), chat.messages().end() - 1}});
  EXPECT_EQ(again.reply(letters(20)).text, last.text);
}

TEST_F(ChatFull, HowMuchStaysIsTheCallersChoice) {
  std::size_t before = 0;
  for (const double share : {0.25, 1.0}) {
    Session session(model_, {.context = 300});
    Chat chat(session, {.system = "Be brief.", .reserve = 30, .keep_share = share});
    for (int i = 0; chat.dropped() == 0; ++i) chat.say(question(i), letters(30));
    EXPECT_GT(chat.messages().size(), before);
    before = chat.messages().size();
    expect_sound(session, chat);
  }
}

TEST_F(ChatFull, ExamplesStay) {
  const Messages examples = {{"user", "one"}, {"assistant", "1"}, {"user", "two"}, {"assistant", "2"}};
  Session session(model_, {.context = 300});
  Chat chat(session, {.system = "Be brief.", .messages = examples, .keep_messages = 3});
  for (int i = 0; i < 12; ++i) chat.say(question(i), letters(20));
  EXPECT_GT(chat.dropped(), 0U);
  EXPECT_EQ(Messages(chat.messages().begin() + 1, chat.messages().begin() + 5), examples);
  expect_sound(session, chat);
}

TEST_F(ChatFull, AReplyThatFillsTheContextIsFollowedByAnother) {
  Session session(model_, {.context = 120});
  Chat chat(session, {.system = "Be brief.", .reserve = 10});
  for (int i = 0; i < 6; ++i) {
    const Generation generation = chat.say("go on", letters(1000));
    EXPECT_EQ(generation.reason, FinishReason::kContext);
    EXPECT_EQ(session.position(), 120);
    expect_sound(session, chat);
  }
  EXPECT_GT(chat.dropped(), 5U);
  chat.regenerate(letters(1000, 2));
  expect_sound(session, chat);
}

TEST_F(ChatFull, AMessageThatNeverFitsIsRefusedAndTheChatGoesOn) {
  for (const ChatOverflow overflow : {ChatOverflow::kDropOldest, ChatOverflow::kError}) {
    Session session(model_, {.context = 120});
    Chat chat(session, {.system = "Be brief.", .overflow = overflow});
    chat.say("a", letters(4));
    const std::string held = held_text(session);
    const Messages before = chat.messages();
    EXPECT_EQ(error_kind([&] { chat.say(std::string(200, 'x'), letters(4)); }), ErrorKind::kContextFull);
    EXPECT_EQ(chat.messages(), before) << "nothing is dropped in vain";
    EXPECT_EQ(chat.dropped(), 0U);
    EXPECT_EQ(held_text(session), held);
    chat.say("b", letters(4));
    expect_sound(session, chat);
  }
}

TEST_F(ChatFull, ASystemMessageThatNeverFitsCanBeEdited) {
  Session session(model_, {.context = 120});
  Chat chat(session, std::string(300, 'x'));
  EXPECT_EQ(error_kind([&] { chat.say("a", letters(4)); }), ErrorKind::kContextFull);
  chat.edit(0, "Be brief.");
  chat.say("a", letters(4));
  expect_sound(session, chat);
}

TEST_F(ChatFull, AnErrorLeavesAConversationThatGoesOn) {
  Session session(model_, {.context = 300});
  Chat chat(session, {.system = "Be brief.", .overflow = ChatOverflow::kError});
  int turns = 0;
  const auto fill = [&] {
    for (;; ++turns) chat.say(question(turns), letters(20));
  };
  EXPECT_EQ(error_kind(fill), ErrorKind::kContextFull);
  EXPECT_EQ(chat.messages().size(), 1U + 2U * static_cast<std::size_t>(turns));
  EXPECT_EQ(chat.dropped(), 0U);
  EXPECT_EQ(error_kind(fill), ErrorKind::kContextFull) << "again and again";
  chat.drop(1, 4);
  chat.say("go on", letters(5));
  expect_sound(session, chat);
  chat.edit(1, "shorter");
  chat.say("go on", letters(5));
  expect_sound(session, chat);
}

TEST_F(ChatFull, ASessionThatEvictsIsNeverFull) {
  SessionOptions options{.context = 300};
  options.eviction = {.policy = "window", .budget_tokens = 256};
  for (const ChatOverflow overflow : {ChatOverflow::kDropOldest, ChatOverflow::kError, ChatOverflow::kEvict}) {
    Session session(model_, options);
    ASSERT_TRUE(session.evicts());
    Chat chat(session, {.system = "Be brief.", .overflow = overflow});
    for (int i = 0; i < 15; ++i) EXPECT_EQ(chat.say(question(i), letters(20)).reason, FinishReason::kLength);
    EXPECT_GT(session.position(), 600);
    EXPECT_EQ(chat.dropped(), 0U);
    chat.regenerate(letters(20, 2));
    expect_sound(session, chat);
  }
}

TEST_F(ChatFull, APrefixOfOthersStays) {
  Session session(model_, {.context = 300});
  session.feed("Once upon a time. ");
  Chat chat(session, "Be brief.");
  for (int i = 0; i < 12; ++i) chat.say(question(i), letters(20));
  EXPECT_GT(chat.dropped(), 0U);
  EXPECT_TRUE(held_text(session).starts_with("Once upon a time. " + rendered_prompt(model_, chat.messages())));
}

TEST(ChatTurns, BeginWithWhoeverAsks) {
  const Messages messages = {{"system", "s"}, {"assistant", "hello"}, {"user", "1"},      {"assistant", "call"},
                             {"tool", "t"},   {"assistant", "1"},     {"alice", "2"},     {"assistant", "2"},
                             {"system", "s"}, {"user", "3"},          {"assistant", "3"}, {"ipython", "t"}};
  session::Turns turns = session::droppable_turns(messages, 0);
  EXPECT_EQ(turns.first, 1U);
  EXPECT_EQ(turns.ends, (std::vector<std::size_t>{2, 6, 8, 9}));
  EXPECT_EQ(session::without_oldest(messages, turns, 0), messages);
  const Messages newest = {{"system", "s"}, {"user", "3"}, {"assistant", "3"}, {"ipython", "t"}};
  EXPECT_EQ(session::without_oldest(messages, turns, 4), newest);
  turns = session::droppable_turns(messages, 2);
  EXPECT_EQ(turns.first, 6U) << "the rest of the turn stays, too";
  EXPECT_EQ(turns.ends, (std::vector<std::size_t>{8, 9}));
  EXPECT_TRUE(session::droppable_turns(messages, 100).ends.empty());
  EXPECT_TRUE(session::droppable_turns({}, 0).ends.empty());
}

}  // namespace
}  // namespace pith
