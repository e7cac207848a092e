#include <gtest/gtest.h>
#include <pith/pith.h>

#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "session/chat_fixture.h"

// A conversation whose messages are changed goes on from where the session still holds it.
namespace pith {
namespace {

using namespace test;
using Messages = std::vector<ChatMessage>;

class ChatEdit : public testing::Test {
 protected:
  /// Some turns of a longer conversation.
  void talk(Chat& chat, int turns) const {
    for (int i = 0; i < turns; ++i)
      chat.say("message number " + std::to_string(i) + " and a few words more", letters(5));
  }

  /// The tokens of the conversation so far, without its last reply, when it is fed at once.
  std::size_t tokens_of(Messages messages) const {
    return model_.tokenizer().encode(rendered_prompt(model_, std::move(messages))).size();
  }

  void expect_holds(const Session& session, const Chat& chat) const {
    EXPECT_TRUE(held_text(session).starts_with(rendered_prompt(model_, chat.messages()))) << held_text(session);
  }

  Model model_ = load_tiny();
  Session session_{model_};
};

TEST_F(ChatEdit, AStopStringOfSeveralTokensDoesNotComputeTheConversationAgain) {
  Chat chat(session_, "Be brief.");
  talk(chat, 6);
  GenerateOptions options = letters(20);
  options.sampling = {};
  for (const char c : std::string("ab")) options.sampling.logit_bias[3 + c] = 500.0F;
  options.stop = {"aaa", "bbb", "abab", "baba", "abb", "baa", "aab", "bba"};
  const Generation stopped = chat.say("stop", options);
  ASSERT_EQ(stopped.reason, FinishReason::kStop);
  const int position = session_.position();
  const std::size_t left_over = stopped.tokens.size() - 1;
  ASSERT_GE(left_over, 2U) << "tokens of the stop string are in the session";

  const Generation next = chat.say("go on", letters(3));
  EXPECT_LT(next.prompt_tokens, 40);
  EXPECT_GT(position, 200);
  EXPECT_EQ(session_.position(),
            position - static_cast<int>(left_over) + next.prompt_tokens + 3 + static_cast<int>(stopped.text.size()));
  expect_holds(session_, chat);
}

TEST_F(ChatEdit, PromptTokensCountWhatWasFedToCatchUp) {
  Chat chat(session_, "Be brief.");
  talk(chat, 2);
  session_.reset();
  const Generation generation = chat.say("again", letters(3));
  EXPECT_EQ(generation.prompt_tokens + 3, session_.position());
  EXPECT_GT(generation.prompt_seconds, 0.0);
  expect_holds(session_, chat);
}

TEST_F(ChatEdit, RegenerateGeneratesAnewFromTheSamePlace) {
  Chat chat(session_, "Be brief.");
  talk(chat, 3);
  const Generation first = chat.say("tell me", letters(12, 1));
  const int prompt_end = session_.position() - 12;
  const Messages before = chat.messages();

  const Generation same = chat.regenerate(letters(12, 1));
  EXPECT_EQ(same.tokens, first.tokens);
  EXPECT_EQ(same.prompt_tokens, 0) << "the prompt is still there";
  EXPECT_EQ(session_.position(), prompt_end + 12);
  EXPECT_EQ(chat.messages(), before);

  const Generation other = chat.regenerate(letters(12, 2));
  EXPECT_NE(other.tokens, first.tokens);
  EXPECT_EQ(chat.messages().size(), before.size());
  EXPECT_EQ(chat.messages().back().content, other.text);
  chat.say("and then", letters(3));
  expect_holds(session_, chat);
}

TEST_F(ChatEdit, RegenerateIsExactAfterWhiteSpaceThatTheTemplateDrops) {
  const Model model = load_tiny(kGemma);
  Session session(model);
  Chat chat(session);
  GenerateOptions options = letters(4);
  options.sampling = from_alphabet(" \n", 0.0F, 3);
  const Generation first = chat.say("one", options);
  EXPECT_EQ(chat.regenerate(options).tokens, first.tokens);
}

TEST_F(ChatEdit, RegenerateThatFailsKeepsTheReply) {
  Chat chat(session_);
  EXPECT_EQ(error_kind([&] { chat.regenerate(); }), ErrorKind::kInvalidArgument);
  talk(chat, 1);
  const Messages before = chat.messages();
  EXPECT_THROW(chat.regenerate(letters(5, 9), [](std::string_view) -> bool { throw std::runtime_error("no"); }),
               std::runtime_error);
  EXPECT_EQ(chat.messages(), before);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(chat.regenerate(letters(5, 9), {}, stop.get_token()).reason, FinishReason::kCancelled);
  EXPECT_EQ(chat.messages(), before);
  chat.say("go on", letters(3));
  expect_holds(session_, chat);
}

TEST_F(ChatEdit, AnEditedMessageIsFedFromWhereItDiffers) {
  Chat chat(session_, "Be brief.");
  talk(chat, 5);
  chat.edit(9, "a new question");
  chat.drop(10, 1);
  const Generation generation = chat.reply(letters(4));
  EXPECT_EQ(chat.messages()[9].content, "a new question");
  EXPECT_EQ(chat.messages().size(), 11U);
  EXPECT_LT(generation.prompt_tokens, 40) << "four turns are still there";
  expect_holds(session_, chat);
  // The first message: all of what follows is fed again.
  chat.edit(1, "the first question");
  const Generation all = chat.say("and now?", letters(4));
  EXPECT_GT(all.prompt_tokens, 150);
  expect_holds(session_, chat);
}

TEST_F(ChatEdit, WhatWasChangedIsComputedAsIfItHadNeverBeenDifferent) {
  Chat chat(session_, "Be brief.");
  talk(chat, 3);
  chat.edit(3, "hello");
  chat.pop_back();
  const Generation changed = chat.reply(letters(8));
  Session fresh(model_);
  Chat again(fresh, {.messages = {chat.messages().begin(), chat.messages().end() - 1}});
  EXPECT_EQ(again.reply(letters(8)).text, changed.text);
}

TEST_F(ChatEdit, AppendedMessagesAreFedWithTheNextReply) {
  Chat chat(session_, "Be brief.");
  chat.say("what is the time?", letters(4));
  chat.append({"tool", "12:30"});
  const Generation generation = chat.reply(letters(4));
  EXPECT_EQ(chat.messages().size(), 5U);
  EXPECT_LT(generation.prompt_tokens, 40);
  expect_holds(session_, chat);
  EXPECT_NE(held_text(session_).find("<|im_start|>tool\n12:30<|im_end|>"), std::string::npos);
}

TEST_F(ChatEdit, AConversationMayBeGivenAtOnce) {
  const Messages messages = {{"user", "2+2?"}, {"assistant", "4"}, {"user", "3+3?"}, {"assistant", "6"}};
  Chat chat(session_, {.system = "Count.", .messages = messages});
  EXPECT_EQ(session_.position(), 0) << "nothing is fed before it is needed";
  chat.say("4+4?", letters(3));
  EXPECT_EQ(chat.messages().size(), 7U);
  EXPECT_EQ(chat.messages().front(), (ChatMessage{"system", "Count."}));
  expect_holds(session_, chat);
  chat.set_messages(messages);
  chat.append({"user", "5+5?"});
  chat.reply(letters(3));
  EXPECT_EQ(chat.messages().size(), 6U);
  expect_holds(session_, chat);
}

TEST_F(ChatEdit, ARestoredSessionGoesOnWithItsConversation) {
  Chat chat(session_, "Be brief.");
  talk(chat, 4);
  const Messages messages = chat.messages();
  const TempDir folder;
  session_.save(folder / "chat.pith");
  Session restored = Session::restore(model_, folder / "chat.pith");
  Chat again(restored, {.messages = messages, .prefix_tokens = 0});
  const Generation next = again.say("still there?", letters(3));
  EXPECT_LT(next.prompt_tokens, 40);
  expect_holds(restored, again);
  EXPECT_EQ(held_text(restored).find("Be brief."), held_text(restored).rfind("Be brief."));
}

TEST_F(ChatEdit, RefusesWhatIsNotThere) {
  Chat chat(session_, "Be brief.");
  const Messages before = chat.messages();
  std::vector<std::function<void()>> all_wrong = {
      [&] { chat.edit(1, "x"); }, [&] { chat.drop(0, 2); }, [&] { chat.drop(2, 0); },
      [&] { chat.drop(1, static_cast<std::size_t>(-1)); }, [&] { chat.reply(); }};
  // What roles there are is up to a Jinja template.
  if (!session_.model().chat_template().is_jinja()) {
    all_wrong.emplace_back([&] { chat.append({"", "no role"}); });
    all_wrong.emplace_back([&] { chat.append({"a<|im_end|>", "x"}); });
    all_wrong.emplace_back([&] { chat.set_messages({{"two\nlines", "x"}}); });
  }
  for (const auto& wrong : all_wrong) {
    EXPECT_EQ(error_kind(wrong), ErrorKind::kInvalidArgument);
    EXPECT_EQ(chat.messages(), before);
  }
  chat.pop_back();
  EXPECT_EQ(error_kind([&] { chat.pop_back(); }), ErrorKind::kInvalidArgument);
  EXPECT_EQ(error_kind([&] { chat.reply(); }), ErrorKind::kInvalidArgument);
  chat.say("hello", letters(2));
  EXPECT_EQ(error_kind([&] { chat.reply(); }), ErrorKind::kInvalidArgument) << "the reply is there";
}

TEST_F(ChatEdit, FormatsThatAlternateKeepTheirTurns) {
  const Model model = load_tiny(kGemma);
  Session session(model);
  Chat chat(session, "Be brief.");
  chat.say("one", letters(3));
  EXPECT_EQ(error_kind([&] { chat.drop(1, 1); }), ErrorKind::kInvalidArgument);
  EXPECT_EQ(error_kind([&] { chat.append({"tool", "x"}); }), ErrorKind::kInvalidArgument);
  EXPECT_EQ(chat.messages().size(), 3U);
  chat.drop(1, 2);
  chat.say("two", letters(3));
  EXPECT_TRUE(without_spaces(held_text(session)).starts_with(without_spaces(rendered_prompt(model, chat.messages()))));
}

TEST_F(ChatEdit, RefusesOptionsOutOfRange) {
  session_.feed("ab");
  for (const ChatOptions& options : {ChatOptions{.reserve = -1}, ChatOptions{.keep_share = 0},
                                     ChatOptions{.keep_share = 1.5}, ChatOptions{.prefix_tokens = -2},
                                     ChatOptions{.prefix_tokens = 3}, ChatOptions{.overflow = ChatOverflow::kEvict}}) {
    EXPECT_EQ(error_kind([&] { Chat chat(session_, options); }), ErrorKind::kInvalidArgument);
  }
  const bool is_jinja = session_.model().chat_template().is_jinja();
  const ChatMessage wrong = is_jinja ? ChatMessage{"user", "x", "no JSON"} : ChatMessage{"", "x"};
  EXPECT_EQ(error_kind([&] { Chat chat(session_, ChatOptions{.messages = {wrong}}); }), ErrorKind::kInvalidArgument);
}

TEST_F(ChatEdit, LittleIsComputedAgainWhereverItIsChanged) {
  for (const char* policy : {"", "h2o"}) {
    SessionOptions options{.kv = {.key = "int4"}};
    options.marks_share = 10.0;
    if (*policy != '\0') options.eviction = {.policy = policy, .budget_tokens = 384};
    Session session(model_, options);
    Chat chat(session, "Be brief.");
    talk(chat, 12);
    ASSERT_GT(session.position(), 500);
    const Generation last = chat.say("tell me", letters(12, 1));
    const Generation same = chat.regenerate(letters(12, 1));
    EXPECT_EQ(same.tokens, last.tokens);
    EXPECT_LT(same.recomputed_tokens, 64);
    EXPECT_EQ(same.prompt_tokens, 0);

    // Marks are where replies begin and end, and messages have fewer tokens than a page.
    chat.edit(11, "another middle");
    while (chat.messages().size() > 12) chat.pop_back();
    const Generation edited = chat.reply(letters(5));
    EXPECT_LT(edited.recomputed_tokens, 128);
    EXPECT_GT(session.kv_stats().marks, 2);
    expect_holds(session, chat);
  }
}

TEST_F(ChatEdit, MarksLeadBackBeforeACompaction) {
  Session session(model_);
  Chat chat(session, "Be brief.");
  talk(chat, 8);
  session.compact(300, {.policy = "knorm"});
  chat.edit(7, "another middle");
  while (chat.messages().size() > 8) chat.pop_back();
  EXPECT_LT(chat.reply(letters(3)).recomputed_tokens, 128);
  expect_holds(session, chat);
}

// compact() takes what going back would need: without a mark all is fed again.
TEST_F(ChatEdit, ACompactedSessionIsResetWhereItMustGoBack) {
  SessionOptions options;
  options.marks_share = 0.0;
  Session session(model_, options);
  Chat chat(session, "Be brief.");
  talk(chat, 8);
  session.compact(300, {.policy = "knorm"});
  EXPECT_EQ(error_kind([&] { session.truncate(100); }), ErrorKind::kInvalidArgument);
  const Generation further = chat.say("go on", letters(3));
  EXPECT_LT(further.prompt_tokens, 40) << "nothing to go back for";
  chat.edit(1, "another beginning");
  const Generation again = chat.say("and now", letters(3));
  EXPECT_EQ(again.prompt_tokens + 3, session.position());
  expect_holds(session, chat);
}

}  // namespace
}  // namespace pith
