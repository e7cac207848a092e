#include "tokenizer/unigram.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "support/refusal.h"
#include "tokenizer/vocab_fixture.h"

namespace pith::tokenizer {
namespace {

using test::plain;
using test::VocabFixture;
using Tokens = std::vector<Token>;

// unigram.json: models trained by SentencePiece itself, with rules of normalization, and its encodings.
struct UnigramReference : testing::TestWithParam<const char*> {};

TEST_P(UnigramReference, EncodesTheSame) {
  const nlohmann::json data = test::read_tokenizer_data("unigram.json");
  const Tokenizer tokenizer = test::trained_unigram(data, GetParam()).make();
  const auto texts = data["texts"].get<std::vector<std::string>>();
  for (std::size_t i = 0; i < texts.size(); ++i) {
    // SentencePiece puts the prefix before spaces alone too; as in llama.cpp, it goes before a word only.
    if (texts[i].find_first_not_of(" \t\n") == std::string::npos) continue;
    auto expected = data[GetParam()]["ids"][i].get<Tokens>();
    auto ids = tokenizer.encode(texts[i], plain());
    EXPECT_EQ(tokenizer.decode(ids), tokenizer.decode(expected)) << texts[i];
    // Of ways with equal sums, rounding to float decides which is SentencePiece's: "4" and "444", or "444" and "4".
    std::sort(ids.begin(), ids.end());
    std::sort(expected.begin(), expected.end());
    EXPECT_EQ(ids, expected) << texts[i];
  }
}

INSTANTIATE_TEST_SUITE_P(, UnigramReference, testing::Values("tidy", "prefix", "bare"),
                         [](const auto& instance) { return std::string(instance.param); });

/// <pad>, </s>, <unk>, and pieces.
VocabFixture unigram_fixture() {
  VocabFixture fixture;
  fixture.model = "t5";
  fixture.add("<pad>", TokenType::kControl);
  fixture.add("</s>", TokenType::kControl);
  fixture.add("<unk>", TokenType::kUnknown);
  float score = 0;
  for (const char* piece : {"▁", "a", "b", "ab", "▁ab", "é"}) fixture.add(piece, TokenType::kNormal, score -= 1);
  return fixture;
}

TEST(Unigram, TakesTheHighestSum) {
  VocabFixture fixture = unigram_fixture();
  EXPECT_EQ(fixture.make().encode("ab", plain()), Tokens{6}) << "-4 rather than -2 - 3";
  fixture.rest.scores[6] = -6;
  EXPECT_EQ(fixture.make().encode("ab", plain()), (Tokens{4, 5}));
  fixture.rest.scores[6] = -5;
  EXPECT_EQ(fixture.make().encode("ab", plain()), Tokens{6}) << "of equal sums the one found first stays";
}

TEST(Unigram, AddsTheEndAndSpacesAsItsFileSays) {
  VocabFixture fixture = unigram_fixture();
  EXPECT_EQ(fixture.make().encode("ab ab"), (Tokens{6, 7, 1}));
  EXPECT_EQ(fixture.make().encode(""), Tokens{1});
  fixture.rest.add_space_prefix = true;
  EXPECT_EQ(fixture.make().encode("ab</s> ab"), (Tokens{7, 1, 3, 7, 1}));
  EXPECT_EQ(fixture.make().decode(Tokens{7, 7}), "ab ab");
  fixture.rest.add_eos_token = false;
  fixture.rest.remove_extra_whitespaces = true;
  EXPECT_EQ(fixture.make().encode("  ab   ab "), (Tokens{7, 7}));
  EXPECT_EQ(fixture.make().encode("   "), Tokens{});
}

TEST(Unigram, UnknownCharactersBecomeOneToken) {
  const Tokenizer tokenizer = unigram_fixture().make();
  EXPECT_EQ(tokenizer.encode("axyzb\xE2\x82\xAC", plain()), (Tokens{4, 2, 5, 2}));
  EXPECT_EQ(tokenizer.encode("a\xFF\xE2\x82", plain()), (Tokens{4, 2}));
  EXPECT_EQ(tokenizer.encode("é", plain()), Tokens{8});
}

TEST(Unigram, UserDefinedTokensComeFirst) {
  VocabFixture fixture = unigram_fixture();
  const Token user = fixture.add("ba", TokenType::kUserDefined, -100);
  EXPECT_EQ(fixture.make().encode("abab", plain()), (Tokens{4, user, 5}));
}

TEST(Unigram, ControlAndByteTokensAreNoText) {
  VocabFixture fixture = unigram_fixture();
  fixture.add("<0x61>", TokenType::kByte, 100);
  EXPECT_EQ(fixture.make().encode("a<pad><0x61>", plain()), (Tokens{4, 2, 4, 2}));
}

TEST(Unigram, RefusesVocabulariesThatCannotBe) {
  VocabFixture fixture = unigram_fixture();
  const auto expect = [&](const std::string& part) {
    test::expect_error(ErrorKind::kFormat, part, [&] { fixture.make(); });
  };
  fixture.rest.scores[4] = -std::numeric_limits<float>::infinity();
  expect("fixture.gguf: tokenizer.ggml.scores[4] is infinite");
  fixture.rest.scores[4] = std::numeric_limits<float>::quiet_NaN();
  expect("tokenizer.ggml.scores[4] is NaN");
  fixture.rest.scores.clear();
  expect("tokenizer.ggml.scores is missing or empty");
  fixture = unigram_fixture();
  fixture.tokens.resize(2);
  fixture.rest.scores.resize(2);
  fixture.rest.token_type.resize(2);
  expect("tokenizer.ggml.tokens has no unknown token");
}

TEST(Unigram, ScoresMayBeAsLargeAsFloats) {
  VocabFixture fixture = unigram_fixture();
  for (float& score : fixture.rest.scores) score = -std::numeric_limits<float>::max();
  EXPECT_EQ(fixture.make().encode("abz", plain()), (Tokens{6, 2}));
}

RC_GTEST_PROP(Unigram, TakesAnyText, ()) {
  static const nlohmann::json data = test::read_tokenizer_data("unigram.json");
  static const Tokenizer tokenizer = test::trained_unigram(data, "tidy").make();
  const auto text = *rc::gen::container<std::string>(rc::gen::arbitrary<char>());
  for (const Token token : tokenizer.encode(text, plain())) RC_ASSERT(token >= 0 && token < tokenizer.vocab_size());
}

}  // namespace
}  // namespace pith::tokenizer
