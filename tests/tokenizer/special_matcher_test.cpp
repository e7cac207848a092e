#include "tokenizer/special_matcher.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>
#include <vector>

namespace pith::tokenizer {
namespace {

/// "text|[3]|text": plain stretches as they are, tokens as their ids.
std::string cut(const SpecialMatcher& matcher, std::string_view text) {
  std::string out;
  for (const Fragment& fragment : matcher.cut(text)) {
    if (!out.empty()) out += '|';
    out += fragment.token < 0 ? std::string(fragment.text) : "[" + std::to_string(fragment.token) + "]";
  }
  return out;
}

TEST(SpecialMatcher, CutsTextAtTokens) {
  const SpecialMatcher matcher({{7, "<s>", false, false}, {8, "</s>", false, false}});
  EXPECT_EQ(cut(matcher, ""), "");
  EXPECT_EQ(cut(matcher, "plain <text>"), "plain <text>");
  EXPECT_EQ(cut(matcher, "<s>"), "[7]");
  EXPECT_EQ(cut(matcher, "a<s></s>b<s"), "a|[7]|[8]|b<s");
  EXPECT_EQ(cut(matcher, "<<s>>"), "<|[7]|>");
}

TEST(SpecialMatcher, PrefersTheLeftmostThenTheLongest) {
  const SpecialMatcher matcher({{1, "\n", false, false},
                                {2, "\n\n", false, false},
                                {3, "\n\n\n\n", false, false},
                                {4, "ab", false, false},
                                {5, "bcd", false, false}});
  EXPECT_EQ(cut(matcher, "\n\n\n"), "[2]|[1]");
  EXPECT_EQ(cut(matcher, "\n\n\n\n\n\n\n"), "[3]|[2]|[1]");
  EXPECT_EQ(cut(matcher, "abcd"), "[4]|cd");
}

TEST(SpecialMatcher, StripsSpacesThatGoWithAToken) {
  const SpecialMatcher matcher({{1, "<r>", false, true}, {2, "<l>", true, false}});
  EXPECT_EQ(cut(matcher, "a <r> \t\n b"), "a |[1]|b");
  EXPECT_EQ(cut(matcher, "a \n<l> b"), "a|[2]| b");
  EXPECT_EQ(cut(matcher, "<r>  <l>  <r>"), "[1]|[2]|  |[1]");
  EXPECT_EQ(cut(matcher, " <l>"), "[2]");
  EXPECT_EQ(cut(matcher, "<r>\xC2\xA0x"), "[1]|\xC2\xA0x") << "only ASCII white space is stripped";
}

TEST(SpecialMatcher, IgnoresEmptyTextsAndTakesTheLastOfEquals) {
  const SpecialMatcher matcher({{1, "", false, false}, {2, "x", false, false}, {3, "x", false, false}});
  EXPECT_EQ(cut(matcher, "axb"), "a|[3]|b");
  EXPECT_EQ(cut(SpecialMatcher(), "axb"), "axb");
}

TEST(SpecialMatcher, HandlesBytesAbove127) {
  const SpecialMatcher matcher({{1, "<｜end｜>", false, false}, {2, "\xFF\xFE", false, false}});
  EXPECT_EQ(cut(matcher, "é<｜end｜>\xFF\xFE\xFF"), "é|[1]|[2]|\xFF");
}

// Against a search that tries every token at every place.
RC_GTEST_PROP(SpecialMatcher, AgreesWithTheObviousSearch, ()) {
  const auto letters = rc::gen::element('a', 'b', '\xE9');
  const auto tokens =
      *rc::gen::container<std::vector<std::string>>(rc::gen::nonEmpty(rc::gen::container<std::string>(letters)));
  const std::string text = *rc::gen::container<std::string>(letters);
  std::vector<SpecialToken> specials;
  for (std::size_t i = 0; i < tokens.size(); ++i) specials.push_back({static_cast<Token>(i), tokens[i], false, false});

  std::string expected;
  std::size_t begin = 0;
  const auto add = [&](const std::string& part) { expected += (expected.empty() ? "" : "|") + part; };
  for (std::size_t at = 0; at < text.size();) {
    std::size_t longest = 0;
    std::size_t which = 0;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      if (tokens[i].size() >= longest && text.compare(at, tokens[i].size(), tokens[i]) == 0) {
        longest = tokens[i].size();
        which = i;
      }
    }
    if (longest == 0) {
      ++at;
      continue;
    }
    if (at > begin) add(text.substr(begin, at - begin));
    add("[" + std::to_string(which) + "]");
    begin = at += longest;
  }
  if (begin < text.size()) add(text.substr(begin));
  RC_ASSERT(cut(SpecialMatcher(specials), text) == expected);
}

}  // namespace
}  // namespace pith::tokenizer
