#include "tokenizer/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace pith::tokenizer {
namespace {

using State = Utf8Scan::State;

TEST(Utf8, ReadsEveryScalarValueBack) {
  for (char32_t code = 0; code <= 0x10FFFF; ++code) {
    if (code >= 0xD800 && code <= 0xDFFF) continue;
    std::string text;
    append_utf8(code, text);
    const Utf8Scan scan = scan_utf8(text, 0);
    ASSERT_EQ(scan.state, State::kWhole) << std::hex << static_cast<std::uint32_t>(code);
    ASSERT_EQ(scan.code, code);
    ASSERT_EQ(scan.size, text.size());
  }
}

TEST(Utf8, CutsInvalidBytesIntoMaximalSubparts) {
  // From the Unicode standard, table 3-8.
  const std::string text = "\x61\xF1\x80\x80\xE1\x80\xC2\x62\x80\x63\x80\xBF\x64";
  std::string states;
  std::string sizes;
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Scan scan = scan_utf8(text, at);
    states += scan.state == State::kWhole ? 'w' : 'i';
    sizes += std::to_string(scan.size);
    at += scan.size;
  }
  EXPECT_EQ(states, "wiiiwiwiiw");
  EXPECT_EQ(sizes, "1321111111");
}

TEST(Utf8, RefusesOverlongFormsSurrogatesAndCodesPastTheLast) {
  for (const char* bytes : {"\xC0\x80", "\xC1\xBF", "\xE0\x9F\xBF", "\xF0\x8F\xBF\xBF", "\xED\xA0\x80", "\xED\xBF\xBF",
                            "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "\x80"}) {
    EXPECT_EQ(scan_utf8(bytes, 0).state, State::kInvalid);
    EXPECT_EQ(scan_utf8(bytes, 0).size, 1);
    EXPECT_FALSE(is_valid_utf8(bytes));
  }
  EXPECT_TRUE(is_valid_utf8("\xED\x9F\xBF\xEE\x80\x80\xF4\x8F\xBF\xBF"));
}

TEST(Utf8, KnowsWhatMayStillBecomeACharacter) {
  const std::string rocket = "\xF0\x9F\x9A\x80";
  for (std::size_t size = 1; size < rocket.size(); ++size) {
    const Utf8Scan scan = scan_utf8(std::string_view(rocket).substr(0, size), 0);
    EXPECT_EQ(scan.state, State::kIncomplete);
    EXPECT_EQ(scan.size, size);
  }
  EXPECT_EQ(scan_utf8("\xF0\x9F\x41", 0).state, State::kInvalid);
}

TEST(Utf8, ReplacesEachOffendingByte) {
  EXPECT_EQ(replace_invalid_utf8("a\xE2\x82z"), "a\xEF\xBF\xBD\xEF\xBF\xBDz");
  EXPECT_EQ(replace_invalid_utf8("\xED\xA0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_EQ(replace_invalid_utf8("é\xFF"), "é\xEF\xBF\xBD");
  EXPECT_EQ(replace_invalid_utf8(""), "");
}

}  // namespace
}  // namespace pith::tokenizer
