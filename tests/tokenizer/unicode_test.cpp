#include "tokenizer/unicode.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <vector>

namespace pith::tokenizer {
namespace {

std::vector<char32_t> parts(char32_t code) {
  const Decomposition decomposition = decomposed(code);
  return {decomposition.codes.begin(), decomposition.codes.begin() + static_cast<std::ptrdiff_t>(decomposition.size)};
}

TEST(Unicode, DecomposesCanonically) {
  EXPECT_EQ(parts(U'a'), std::vector<char32_t>{U'a'});
  EXPECT_EQ(parts(U'\u00E9'), (std::vector<char32_t>{U'e', 0x301}));
  EXPECT_EQ(parts(U'\u1E69'), (std::vector<char32_t>{U's', 0x323, 0x307}));
  EXPECT_EQ(parts(U'\uD55C'), (std::vector<char32_t>{0x1112, 0x1161, 0x11AB}));
  EXPECT_EQ(parts(U'\uFB01'), std::vector<char32_t>{0xFB01}) << "a compatible one is not canonical";
  EXPECT_EQ(parts(0), std::vector<char32_t>{0});
  for (char32_t code = 0; code < 0x110000; ++code) {
    if (code >= 0xD800 && code < 0xE000) continue;
    ASSERT_GE(decomposed(code).size, 1U) << static_cast<std::uint32_t>(code);
    ASSERT_LE(decomposed(code).size, 4U) << static_cast<std::uint32_t>(code);
  }
}

TEST(Unicode, KnowsItsClasses) {
  for (const char32_t code : std::initializer_list<char32_t>{0x9, 0xD, 0x20, 0x85, 0xA0, 0x1680, 0x2028, 0x3000})
    EXPECT_TRUE(is_white_space(code));
  for (const char32_t code : std::initializer_list<char32_t>{0x8, 0x1C, 0x1F, 0x180E, 0x200B, 0xFEFF, 0x61})
    EXPECT_FALSE(is_white_space(code));
  for (const char32_t code : std::initializer_list<char32_t>{0x0, 0x7F, 0x85, 0xAD, 0x200B, 0xE000, 0x378, 0x10FFFF})
    EXPECT_TRUE(is_other(code));
  for (const char32_t code : std::initializer_list<char32_t>{0x20, 0x61, 0x301, 0xFFFD}) EXPECT_FALSE(is_other(code));
  EXPECT_TRUE(is_accent(0x301));
  EXPECT_FALSE(is_accent(0x93F)) << "spacing";
  EXPECT_TRUE(is_punctuation(U'!'));
  EXPECT_TRUE(is_punctuation(0x3002));
  EXPECT_FALSE(is_punctuation(U'+'));
}

TEST(Unicode, LowersOneCharacterToOne) {
  EXPECT_EQ(lower_case(U'A'), U'a');
  EXPECT_EQ(lower_case(0x3A3), 0x3C3U);
  EXPECT_EQ(lower_case(0x1E9E), 0xDFU);
  EXPECT_EQ(lower_case(U'1'), U'1');
}

}  // namespace
}  // namespace pith::tokenizer
