#include "tokenizer/spm.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>
#include <vector>

#include "tokenizer/utf8.h"
#include "tokenizer/vocab_fixture.h"

namespace pith::tokenizer {
namespace {

using test::plain;
using test::sentence_piece_fixture;
using test::VocabFixture;
using Tokens = std::vector<Token>;

// spm.json: models trained by SentencePiece itself, and its encodings.
struct SpmReference : testing::TestWithParam<const char*> {};

TEST_P(SpmReference, EncodesAndDecodesTheSame) {
  const nlohmann::json data = test::read_tokenizer_data("spm.json");
  const nlohmann::json& model = data[GetParam()];
  VocabFixture fixture = test::trained_spm(model);
  fixture.rest.add_space_prefix = std::string(GetParam()) != "bare";
  fixture.rest.remove_extra_whitespaces = std::string(GetParam()) == "tidy";
  const Tokenizer tokenizer = fixture.make();
  const auto texts = data["texts"].get<std::vector<std::string>>();
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const auto ids = model["ids"][i].get<Tokens>();
    EXPECT_EQ(tokenizer.encode(texts[i], plain()), ids) << texts[i];
    // SentencePiece takes a literal U+2581 for a space of its own, and may drop it at the start.
    if (texts[i].find(kSpaceMark) != std::string::npos) continue;
    EXPECT_EQ(tokenizer.decode(ids), model["decoded"][i].get<std::string>()) << texts[i];
  }
}

INSTANTIATE_TEST_SUITE_P(, SpmReference, testing::Values("prefix", "bare", "tidy"),
                         [](const auto& instance) { return std::string(instance.param); });

// In sentence_piece_fixture() byte b is token 3 + b, followed by "he" 259, "▁the" 260, "th" 261, "▁" 262, t, h, e.
TEST(Spm, MergesTheHighestScoreFirst) {
  const Tokenizer tokenizer = sentence_piece_fixture().make();
  EXPECT_EQ(tokenizer.encode("the", plain()), (Tokens{262, 263, 259}))
      << "'he' goes before 'th', so '▁the' never forms";
}

TEST(Spm, FallsBackToBytes) {
  const Tokenizer tokenizer = sentence_piece_fixture().make();
  EXPECT_EQ(tokenizer.encode("tz", plain()), (Tokens{262, 263, 3 + 'z'}));
  EXPECT_EQ(tokenizer.encode("é", plain()), (Tokens{262, 3 + 0xC3, 3 + 0xA9}));
  EXPECT_EQ(tokenizer.decode(Tokens{262, 3 + 0xC3, 3 + 0xA9}), "é");
}

TEST(Spm, OffendingBytesBecomeTheirTokens) {
  const Tokenizer tokenizer = sentence_piece_fixture().make();
  const std::string text = "\xFFhe\xE2\x82t\xC3";
  const Tokens tokens = tokenizer.encode(text, plain());
  EXPECT_EQ(tokens, (Tokens{262, 3 + 0xFF, 259, 3 + 0xE2, 3 + 0x82, 263, 3 + 0xC3}));
  EXPECT_EQ(tokenizer.decode(tokens), text);
}

TEST(Spm, PutsASpaceBeforeATextAndAfterSpecialTokens) {
  VocabFixture fixture = sentence_piece_fixture();
  EncodeOptions parsed;
  EXPECT_EQ(fixture.make().encode("t</s>t", parsed), (Tokens{1, 262, 263, 2, 262, 263}));
  EXPECT_EQ(fixture.make().encode("", parsed), Tokens{1});
  fixture.rest.add_space_prefix = false;
  EXPECT_EQ(fixture.make().encode("t</s>t", parsed), (Tokens{1, 263, 2, 263}));
}

TEST(Spm, PlainTextDoesNotBecomeControlTokens) {
  VocabFixture fixture = sentence_piece_fixture();
  fixture.add("<", TokenType::kNormal, -20);
  fixture.add("s", TokenType::kNormal, -20);
  fixture.add(">", TokenType::kNormal, -20);
  fixture.add("<s", TokenType::kNormal, -20);
  const Tokens tokens = fixture.make().encode("<s>", plain());
  EXPECT_EQ(tokens, (Tokens{262, 269, 268}));
}

TEST(Spm, VocabulariesWithoutBytesUseTheUnknownToken) {
  VocabFixture fixture;
  fixture.model = "llama";
  fixture.add("<unk>", TokenType::kUnknown);
  fixture.add("<s>", TokenType::kControl);
  fixture.add("</s>", TokenType::kControl);
  fixture.add("▁", TokenType::kNormal, -1);
  fixture.add("a", TokenType::kNormal, -2);
  EXPECT_EQ(fixture.make().encode("ab", plain()), (Tokens{3, 4, 0}));
}

TEST(Spm, TakesInfiniteScores) {
  VocabFixture fixture = sentence_piece_fixture();
  fixture.rest.scores[259] = -std::numeric_limits<float>::infinity();
  fixture.rest.scores[261] = std::numeric_limits<float>::infinity();
  EXPECT_EQ(fixture.make().encode("the", plain()), (Tokens{262, 261, 265}));
}

RC_GTEST_PROP(Spm, DecodesWhatItEncoded, ()) {
  static const nlohmann::json data = test::read_tokenizer_data("spm.json");
  static const Tokenizer with_prefix = test::trained_spm(data["prefix"]).make();
  const auto text = *rc::gen::container<std::string>(rc::gen::arbitrary<char>());
  RC_PRE(text.find("\xE2\x96\x81") == std::string::npos);
  RC_ASSERT(with_prefix.decode(with_prefix.encode(text, plain())) == text);
}

}  // namespace
}  // namespace pith::tokenizer
