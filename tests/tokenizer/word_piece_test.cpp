#include "tokenizer/word_piece.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>
#include <vector>

#include "support/refusal.h"
#include "tokenizer/vocab_fixture.h"

namespace pith::tokenizer {
namespace {

using test::plain;
using test::VocabFixture;
using Tokens = std::vector<Token>;

// word_piece.json: encodings by the library that BERT's vocabularies are trained with.
struct WordPieceReference : testing::TestWithParam<const char*> {};

TEST_P(WordPieceReference, EncodesTheSame) {
  const nlohmann::json data = test::read_tokenizer_data("word_piece.json");
  const Tokenizer tokenizer = test::trained_word_piece(data, GetParam()).make();
  const auto texts = data["texts"].get<std::vector<std::string>>();
  for (std::size_t i = 0; i < texts.size(); ++i) {
    // GGUF writes U+2581 where a word begins, so a literal one inside a word looks like that.
    if (texts[i].find(kSpaceMark) != std::string::npos) continue;
    EXPECT_EQ(tokenizer.encode(texts[i], plain()), data[GetParam()]["ids"][i].get<Tokens>()) << texts[i];
  }
}

INSTANTIATE_TEST_SUITE_P(, WordPieceReference, testing::Values("uncased", "cased", "accents"),
                         [](const auto& instance) { return std::string(instance.param); });

/// [UNK], [CLS], [SEP], and pieces.
VocabFixture word_piece_fixture() {
  VocabFixture fixture;
  fixture.model = "bert";
  fixture.add("[UNK]", TokenType::kUnknown);
  fixture.add("[CLS]", TokenType::kControl);
  fixture.add("[SEP]", TokenType::kControl);
  for (const char* piece : {"▁play", "ing", "in", "▁a", "▁!", "▁é", "▁中"}) fixture.add(piece);
  fixture.rest.unknown_token_id = 0;
  fixture.rest.bos_token_id = 1;
  fixture.rest.separator_token_id = 2;
  return fixture;
}

TEST(WordPiece, TakesTheLongestPieces) {
  const Tokenizer tokenizer = word_piece_fixture().make();
  EXPECT_EQ(tokenizer.encode("Playing  a\n\tplay", plain()), (Tokens{3, 4, 6, 3}));
  EXPECT_EQ(tokenizer.encode("playinging playinx ing", plain()), (Tokens{3, 4, 4, 0, 0}));
  EXPECT_EQ(tokenizer.encode("a!a中a!!", plain()), (Tokens{6, 7, 6, 9, 6, 7, 7}));
}

TEST(WordPiece, BeginsAndEndsATextWhateverTheFileSays) {
  VocabFixture fixture = word_piece_fixture();
  EXPECT_EQ(fixture.make().encode("a[SEP]a"), (Tokens{1, 6, 2, 6, 2}));
  fixture.rest.add_bos_token = false;
  fixture.rest.add_eos_token = true;
  fixture.rest.eos_token_id = 2;
  EXPECT_EQ(fixture.make().encode(""), (Tokens{1, 2}));
}

TEST(WordPiece, PiecesThatGoOnJoinTheWord) {
  const Tokenizer tokenizer = word_piece_fixture().make();
  EXPECT_EQ(tokenizer.piece(3), " play");
  EXPECT_EQ(tokenizer.piece(4), "ing");
  EXPECT_EQ(tokenizer.decode(Tokens{1, 3, 4, 6, 2}), "playing a");
  StreamDecoder stream(tokenizer);
  EXPECT_EQ(stream.push(3), "play");
  EXPECT_EQ(stream.push(4), "ing");
  EXPECT_EQ(stream.push(6), " a");
}

TEST(WordPiece, NormalizesAsItsFileSays) {
  VocabFixture fixture = word_piece_fixture();
  EXPECT_EQ(fixture.make().encode("Á", plain()), Tokens{6}) << "lower case without accents, if the file says nothing";
  fixture.rest.normalizer_strip_accents = false;
  EXPECT_EQ(fixture.make().encode("É", plain()), Tokens{8});
  fixture.rest.normalizer_lowercase = false;
  EXPECT_EQ(fixture.make().encode("É", plain()), Tokens{0});
  fixture.rest.normalizer_strip_accents = {};
  EXPECT_EQ(fixture.make().encode("é", plain()), Tokens{8}) << "accents stay where case does";
}

TEST(WordPiece, LongWordsAreUnknown) {
  VocabFixture fixture = word_piece_fixture();
  const Token x = fixture.add("x");
  fixture.add("▁x");
  const Tokenizer tokenizer = fixture.make();
  EXPECT_EQ(tokenizer.encode(std::string(100, 'x'), plain()).back(), x);
  EXPECT_EQ(tokenizer.encode(std::string(101, 'x') + " a", plain()), (Tokens{0, 6}));
}

TEST(WordPiece, PlainTextDoesNotBecomeSpecial) {
  VocabFixture fixture = word_piece_fixture();
  fixture.add("▁<s>", TokenType::kControl);
  EXPECT_EQ(fixture.make().encode("[CLS] \xFF a\xC3", plain()), (Tokens{0, 0, 0, 6}));
}

TEST(WordPiece, NeedsAnUnknownToken) {
  VocabFixture fixture = word_piece_fixture();
  fixture.rest.unknown_token_id = {};
  test::expect_error(ErrorKind::kFormat, "fixture.gguf: tokenizer.ggml.tokens has no unknown token",
                     [&] { fixture.make(); });
}

RC_GTEST_PROP(WordPiece, TakesAnyText, ()) {
  static const nlohmann::json data = test::read_tokenizer_data("word_piece.json");
  static const Tokenizer tokenizer = test::trained_word_piece(data, "uncased").make();
  const auto text = *rc::gen::container<std::string>(rc::gen::arbitrary<char>());
  for (const Token token : tokenizer.encode(text, plain())) RC_ASSERT(token >= 0 && token < tokenizer.vocab_size());
}

}  // namespace
}  // namespace pith::tokenizer
