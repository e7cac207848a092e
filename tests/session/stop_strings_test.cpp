#include "session/stop_strings.h"

#include <gtest/gtest.h>
#include <pith/error.h>
#include <rapidcheck/gtest.h>

#include <cstddef>
#include <string>
#include <vector>

namespace pith::session {
namespace {

using Strings = std::vector<std::string>;

struct Outcome {
  std::string text;
  bool stopped = false;

  bool operator==(const Outcome&) const = default;
};

/// Character by character: the first moment at which the text ends with a stop string.
Outcome naive(const std::string& text, const Strings& stops) {
  for (std::size_t end = 1; end <= text.size(); ++end) {
    const std::string so_far = text.substr(0, end);
    std::size_t longest = 0;
    for (const std::string& stop : stops) {
      if (so_far.ends_with(stop)) longest = std::max(longest, stop.size());
    }
    if (longest > 0) return {so_far.substr(0, end - longest), true};
  }
  return {text, false};
}

Outcome stream(const Strings& pieces, const Strings& stops) {
  StopStrings matcher(stops);
  Outcome outcome;
  for (const std::string& piece : pieces) outcome.text += matcher.push(piece);
  outcome.stopped = matcher.stopped();
  outcome.text += matcher.finish();
  return outcome;
}

rc::Gen<std::string> short_text(int length_max) {
  return rc::gen::resize(length_max, rc::gen::container<std::string>(rc::gen::elementOf(std::string("ab\n"))));
}

rc::Gen<Strings> stop_lists() {
  return rc::gen::resize(4, rc::gen::container<Strings>(rc::gen::nonEmpty(short_text(5))));
}

RC_GTEST_PROP(StopStrings, DoNotDependOnHowTheTextIsCut, ()) {
  const auto stops = *stop_lists();
  const auto pieces = *rc::gen::container<Strings>(short_text(4));
  std::string whole;
  for (const std::string& piece : pieces) whole += piece;
  RC_ASSERT(stream(pieces, stops) == naive(whole, stops));
}

RC_GTEST_PROP(StopStrings, HoldBackNoMoreThanNeeded, ()) {
  const auto stops = *stop_lists();
  const auto text = *short_text(20);
  StopStrings matcher(stops);
  std::string out;
  for (std::size_t i = 0; i < text.size() && !matcher.stopped(); ++i) {
    out += matcher.push(text.substr(i, 1));
    if (matcher.stopped()) break;
    // Whatever is held back begins a stop string, and nothing longer does.
    std::size_t longest = 0;
    for (std::size_t held = 1; held <= i + 1; ++held) {
      const std::string end = text.substr(i + 1 - held, held);
      for (const std::string& stop : stops) {
        if (stop.starts_with(end)) longest = held;
      }
    }
    RC_ASSERT(out.size() == i + 1 - longest);
  }
}

TEST(StopStrings, WithoutAnyAllIsHandedOutAtOnce) {
  StopStrings matcher({});
  EXPECT_EQ(matcher.push("some text"), "some text");
  EXPECT_EQ(matcher.push(""), "");
  EXPECT_EQ(matcher.finish(), "");
  EXPECT_FALSE(matcher.stopped());
}

TEST(StopStrings, HoldBackABeginning) {
  StopStrings matcher({"</answer>"});
  EXPECT_EQ(matcher.push("It is 4 < 5 </ans"), "It is 4 < 5 ");
  EXPECT_EQ(matcher.push("wers> or </an"), "</answers> or ");
  EXPECT_EQ(matcher.push("swer> and more"), "");
  EXPECT_TRUE(matcher.stopped());
  EXPECT_EQ(matcher.push("more"), "");
  EXPECT_EQ(matcher.finish(), "");
}

TEST(StopStrings, GiveBackWhatWasHeldAtTheEnd) {
  StopStrings matcher({"\n\n"});
  EXPECT_EQ(matcher.push("line\n"), "line");
  EXPECT_EQ(matcher.finish(), "\n");
  EXPECT_EQ(matcher.finish(), "");
  EXPECT_FALSE(matcher.stopped());
}

TEST(StopStrings, TheOneCompleteFirstCounts) {
  StopStrings matcher({"abcd", "bc"});
  EXPECT_EQ(matcher.push("xabcd"), "xa");
  EXPECT_TRUE(matcher.stopped());
}

TEST(StopStrings, OfThoseThatEndTogetherTheLongestCounts) {
  StopStrings matcher({"c", "bc", "abc"});
  EXPECT_EQ(matcher.push("xab"), "x");
  EXPECT_EQ(matcher.push("c"), "");
  EXPECT_TRUE(matcher.stopped());
}

TEST(StopStrings, NeverCutACharacter) {
  // é is C3 A9, è is C3 A8.
  StopStrings matcher({"\xC3\xA9t\xC3\xA9"});
  EXPECT_EQ(matcher.push("\xC3\xA8"), "\xC3\xA8");
  EXPECT_EQ(matcher.push("\xC3\xA9t"), "");
  EXPECT_EQ(matcher.push("\xC3\xA8"), "\xC3\xA9t\xC3\xA8");
  EXPECT_FALSE(matcher.stopped());
}

TEST(StopStrings, EmptyOrBrokenOnesAreRefused) {
  for (const Strings& strings : {Strings{""}, Strings{"a", ""}, Strings{"\xC3"}, Strings{"\xA9"}}) {
    try {
      StopStrings matcher(strings);
      ADD_FAILURE() << "accepted";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kInvalidArgument);
      EXPECT_NE(std::string(error.what()).find("stop string"), std::string::npos) << error.what();
    }
  }
}

}  // namespace
}  // namespace pith::session
