#include <gtest/gtest.h>
#include <pith/error.h>
#include <pith/tokenizer.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tokenizer/vocab_fixture.h"

// Texts of several authors: only some may form special tokens, and no other text changes by that.
namespace pith {
namespace {

using test::byte_level_fixture;
using test::VocabFixture;
using tokenizer::TokenType;
using Tokens = std::vector<Token>;
using Parts = std::vector<TextPart>;

constexpr EncodeOptions kBare = {.add_special = false, .parse_special = true};
constexpr Token kThe = 257;
constexpr Token kMark = 259;
constexpr Token kBreak = 260;
constexpr Token kBreaks = 261;

/// byte_level_fixture() with <|a|> 259, a control token, and the user-defined "\n" 260, "\n\n" 261, "x<" 262 and
/// "<|a|>y" 263.
VocabFixture fixture_with_marks() {
  VocabFixture fixture = byte_level_fixture();
  fixture.add("<|a|>", TokenType::kControl);
  for (const char* text : {"\n", "\n\n", "x<", "<|a|>y"}) fixture.add(text, TokenType::kUserDefined);
  return fixture;
}

Tokens encode(const Parts& parts) {
  static const Tokenizer tokenizer = fixture_with_marks().make();
  return tokenizer.encode(parts, kBare);
}

TEST(TextParts, FormSpecialTokensOnlyWhereAllowed) {
  EXPECT_EQ(encode({{"<|a|>", true}, {"the", false}}), (Tokens{kMark, kThe}));
  EXPECT_EQ(encode({{"<|a|>", true}, {"<|a|>", false}, {"<|a|>", true}}),
            (Tokens{kMark, '<', '|', 'a', '|', '>', kMark}));
}

TEST(TextParts, FormNoneAcrossBorders) {
  const Tokens plain = {'<', '|', 'a', '|', '>'};
  EXPECT_EQ(encode({{"<|a", false}, {"|>", true}}), plain);
  EXPECT_EQ(encode({{"<|a", true}, {"|>", false}}), plain);
  EXPECT_EQ(encode({{"<", true}, {"|a|", false}, {">", true}}), plain);
  EXPECT_EQ(encode({{"<|a", true}, {"|>", true}}), plain) << "two parts, two authors";
}

TEST(TextParts, PlainTextRunsAcrossBorders) {
  EXPECT_EQ(encode({{"t", true}, {"h", false}, {"", true}, {"e", true}}), Tokens{kThe});
  EXPECT_EQ(encode({{"\n", true}, {"\n", false}}), Tokens{kBreaks}) << "user-defined tokens are plain text";
  EXPECT_EQ(encode({{"<|a|>\n", true}, {"\n\n", false}}), (Tokens{kMark, kBreaks, kBreak}));
}

TEST(TextParts, TextBesideAMarkDoesNotBreakIt) {
  EXPECT_EQ(encode({{"x", false}, {"<|a|>", true}}), (Tokens{'x', kMark}));
  EXPECT_EQ(encode({{"<|a|>", true}, {"y", false}}), (Tokens{kMark, 'y'}));
  // Of one author, the leftmost and the longest count as ever.
  EXPECT_EQ(encode({{"x<|a|>", true}, {"", false}}), encode({{"x<|a|>", true}}));
  EXPECT_EQ(encode({{"<|a|>y", true}, {"", false}}), encode({{"<|a|>y", true}}));
}

TEST(TextParts, TheOptionsForbidForAll) {
  const Tokenizer tokenizer = fixture_with_marks().make();
  const Parts parts = {{"<|a|>", true}, {"the", false}};
  EXPECT_EQ(tokenizer.encode(parts, {.add_special = false, .parse_special = false}),
            tokenizer.encode("<|a|>the", {.add_special = false, .parse_special = false}));
}

TEST(TextParts, BeginAndEndAreAddedOnce) {
  VocabFixture fixture = fixture_with_marks();
  fixture.rest.bos_token_id = kMark;
  fixture.rest.eos_token_id = kBreak;
  fixture.rest.add_bos_token = fixture.rest.add_eos_token = true;
  EXPECT_EQ(fixture.make().encode(Parts{{"th", true}, {"e", false}}), (Tokens{kMark, kThe, kBreak}));
  EXPECT_EQ(fixture.make().encode(Parts{}), (Tokens{kMark, kBreak}));
}

TEST(TextParts, SentencePieceSeesOneText) {
  VocabFixture fixture = test::sentence_piece_fixture();
  fixture.rest.add_space_prefix = true;
  const Tokenizer tokenizer = fixture.make();
  const Parts parts = {{"the", true}, {" t", false}, {"he</s>", false}, {"</s>", true}};
  Tokens expected = tokenizer.encode("the the</s>", {.add_special = false, .parse_special = false});
  expected.push_back(2);
  EXPECT_EQ(tokenizer.encode(parts, kBare), expected);
}

// Parts that spell nothing special between them give what the text gives.
RC_GTEST_PROP(TextParts, HonestTextGivesTheTokensOfTheWhole, ()) {
  static const Tokenizer tokenizer = fixture_with_marks().make();
  const auto pieces = *rc::gen::container<std::vector<std::string>>(
      rc::gen::element<std::string>("the", " ", "\n", "\n\n", "é", "\xFF", "<", "x", "|"));
  Parts parts;
  std::string whole;
  for (const std::string& piece : pieces) {
    if (*rc::gen::arbitrary<bool>()) parts.push_back({"<|a|>", true});
    if (!parts.empty() && parts.back().parse_special) whole += "<|a|>";
    // "x<" would break the mark of the whole text, and so would a mark that begins in the one and ends in the other.
    const bool risky = piece == "x" || piece == "<" || piece == "|";
    parts.push_back({risky ? std::string_view("the") : std::string_view(piece), false});
    whole += parts.back().text;
  }
  RC_ASSERT(tokenizer.encode(parts, kBare) == tokenizer.encode(whole, kBare));
}

// Whatever is written in parts that may form none, the marks of the others are all there is.
RC_GTEST_PROP(TextParts, ProtectedTextFormsNoMarkAndBreaksNone, ()) {
  static const Tokenizer tokenizer = fixture_with_marks().make();
  const auto pieces = *rc::gen::container<std::vector<std::string>>(
      rc::gen::container<std::string>(rc::gen::elementOf(std::string("<|a|>xy\n"))));
  Parts parts;
  std::ptrdiff_t marks = 0;
  for (const std::string& piece : pieces) {
    parts.push_back({piece, false});
    if (*rc::gen::arbitrary<bool>()) {
      parts.push_back({"<|a|>", true});
      ++marks;
    }
  }
  const Tokens tokens = tokenizer.encode(parts, kBare);
  RC_ASSERT(std::count(tokens.begin(), tokens.end(), kMark) == marks);
}

}  // namespace
}  // namespace pith
