#include <gtest/gtest.h>
#include <pith/pith.h>
#include <rapidcheck/gtest.h>

#include <string>
#include <vector>

#include "session/chat_fixture.h"

namespace pith {
namespace {

using namespace test;

struct Turn {
  std::string message;
  GenerateOptions options;
  /// The callback ends the reply at this piece; 0: never.
  int cancel_at = 0;
  bool stopped_before = false;
};

/// Stop strings with white space may leave some of it in the session.
Turn random_turn(bool blank_stops) {
  Turn turn;
  turn.message = *rc::gen::container<std::string>(rc::gen::elementOf(std::string("the cat\n ")));
  turn.options.tokens_max = *rc::gen::inRange(0, 8);
  turn.options.sampling = from_alphabet("ab \n\xC3\xA9", static_cast<float>(*rc::gen::inRange(0, 30)),
                                        *rc::gen::arbitrary<std::uint64_t>());
  if (*rc::gen::arbitrary<bool>()) turn.options.stop = {"ab", "b\xC3\xA9", blank_stops ? " \n" : "bb"};
  turn.cancel_at = *rc::gen::inRange(0, 4);
  turn.stopped_before = *rc::gen::inRange(0, 8) == 0;
  return turn;
}

Generation say(Chat& chat, const Turn& turn) {
  std::stop_source stop;
  if (turn.stopped_before) stop.request_stop();
  int pieces = 0;
  return chat.say(
      turn.message, turn.options, [&](std::string_view) { return ++pieces != turn.cancel_at; }, stop.get_token());
}

/// Says random things under random conditions; after each reply the session must hold the rendered conversation.
void check_conversations(const Model& model, bool exact) {
  EXPECT_TRUE(rc::check([&] {
    Session session(model, {.threads = 1});
    Chat chat(session, *rc::gen::element(std::string(), std::string("Be brief.")));
    const int turns = *rc::gen::inRange(1, 6);
    for (int i = 0; i < turns; ++i) {
      const std::size_t before = chat.messages().size();
      const Turn turn = random_turn(!exact);
      const Generation generation = say(chat, turn);
      if (chat.messages().size() == before) {
        RC_ASSERT(generation.reason == FinishReason::kCancelled && generation.tokens.empty());
        continue;
      }
      RC_ASSERT(chat.messages().size() == before + 2);
      RC_ASSERT(chat.messages()[before].content == turn.message);
      RC_ASSERT(chat.messages()[before + 1].content == generation.text);
      const std::string held = held_text(session);
      const std::string expected = rendered_prompt(model, chat.messages());
      if (exact) {
        RC_ASSERT(held.substr(0, expected.size()) == expected);
      } else {
        RC_ASSERT(without_spaces(held).starts_with(without_spaces(expected)));
      }
    }
  }));
}

TEST(Chat, HoldsTheRenderedConversation) { check_conversations(load_tiny(kChatMl), true); }

TEST(Chat, HoldsItButForWhiteSpaceWhereTemplatesTrim) {
  check_conversations(load_tiny(kChatMl), false);
  check_conversations(load_tiny(kLlama3), false);
  check_conversations(load_tiny(kGemma), false);
}

TEST(Chat, FeedsOnlyWhatIsNew) {
  const Model model = load_tiny(kChatMl);
  Session session(model);
  Chat chat(session, "You are brief.");
  int position = 0;
  for (int i = 0; i < 4; ++i) {
    GenerateOptions options;
    options.tokens_max = 5;
    options.sampling = from_alphabet("ab ", 5.0F, static_cast<std::uint64_t>(i));
    const Generation generation = chat.say("and now?", options);
    position += generation.prompt_tokens + static_cast<int>(generation.tokens.size());
    EXPECT_EQ(session.position(), position);
  }
  EXPECT_TRUE(held_text(session).starts_with(rendered_prompt(model, chat.messages())));
}

TEST(Chat, FeedsTheEndTokenAndTheNextTurn) {
  const Model model = load_tiny(kChatMl);
  Session session(model);
  Chat chat(session);
  GenerateOptions options;
  options.sampling.logit_bias[kImEnd] = 1000.0F;
  EXPECT_EQ(chat.say("one", options).reason, FinishReason::kEnd);
  EXPECT_EQ(chat.say("two", options).reason, FinishReason::kEnd);
  EXPECT_EQ(held_text(session),
            "<|im_start|>user\none<|im_end|>\n<|im_start|>assistant\n<|im_end|>\n"
            "<|im_start|>user\ntwo<|im_end|>\n<|im_start|>assistant\n");
}

TEST(Chat, WhiteSpaceThatATemplateDropsIsNoReasonToStartAgain) {
  const Model model = load_tiny(kGemma);
  Session session(model);
  Chat chat(session);
  GenerateOptions options;
  options.tokens_max = 3;
  options.sampling = from_alphabet(" \n", 0.0F, 1);
  const Generation first = chat.say("one", options);
  EXPECT_EQ(without_spaces(first.text), "");
  const int position = session.position();
  const Generation second = chat.say("two", options);
  if (model.chat_template().is_jinja()) {
    // A program may write anything: what it dropped is computed again, and nothing before it.
    EXPECT_EQ(session.position(), position + second.prompt_tokens);
  } else {
    EXPECT_EQ(session.position(), position + second.prompt_tokens + 3);
  }
}

TEST(Chat, FollowsOnWhatTheSessionHolds) {
  const Model model = load_tiny(kChatMl);
  Session session(model);
  session.feed("Once upon a time. ");
  Chat chat(session);
  GenerateOptions options;
  options.tokens_max = 4;
  options.stop = {"b"};
  options.sampling = from_alphabet("ab", 0.0F, 3);
  for (int i = 0; i < 3; ++i) chat.say("go on", options);
  EXPECT_TRUE(held_text(session).starts_with("Once upon a time. " + rendered_prompt(model, chat.messages())));
}

TEST(Chat, SurvivesASessionThatOthersUse) {
  const Model model = load_tiny(kChatMl);
  Session session(model);
  Chat chat(session);
  GenerateOptions options;
  options.tokens_max = 4;
  options.sampling = from_alphabet("ab", 0.0F, 4);
  chat.say("one", options);
  session.feed("something else");
  chat.say("two", options);
  EXPECT_TRUE(held_text(session).starts_with(rendered_prompt(model, chat.messages())));
  session.reset();
  chat.say("three", options);
  EXPECT_TRUE(held_text(session).starts_with(rendered_prompt(model, chat.messages())));
  EXPECT_EQ(chat.messages().size(), 6U);
}

TEST(Chat, AMessageThatDoesNotFitIsTakenBack) {
  const Model model = load_tiny(kChatMl);
  Session session(model, {.context = 80});
  Chat chat(session);
  GenerateOptions options;
  options.tokens_max = 2;
  options.sampling = from_alphabet("ab", 0.0F, 5);
  chat.say("a", options);
  const std::string held = held_text(session);
  try {
    chat.say(std::string(200, 'x'), options);
    FAIL() << "it fitted";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kContextFull);
  }
  EXPECT_EQ(chat.messages().size(), 2U);
  EXPECT_EQ(held_text(session), held);
  chat.say("b", options);
  EXPECT_TRUE(held_text(session).starts_with(rendered_prompt(model, chat.messages())));
}

TEST(Chat, AnExceptionOfTheCallbackTakesTheMessageBack) {
  const Model model = load_tiny(kChatMl);
  Session session(model);
  Chat chat(session);
  GenerateOptions options;
  options.tokens_max = 5;
  options.sampling = from_alphabet("ab", 0.0F, 7);
  chat.say("one", options);
  EXPECT_THROW(chat.say("two", options, [](std::string_view) -> bool { throw std::runtime_error("full"); }),
               std::runtime_error);
  EXPECT_EQ(chat.messages().size(), 2U);
  chat.say("three", options);
  EXPECT_TRUE(held_text(session).starts_with(rendered_prompt(model, chat.messages())));
}

TEST(Chat, NeedsAFormat) {
  const Model model = load_tiny("{% if %}");
  Session session(model);
  try {
    Chat chat(session);
    FAIL() << "made a chat";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUnsupported);
  }
}

}  // namespace
}  // namespace pith
