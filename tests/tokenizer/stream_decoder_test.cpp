#include <gtest/gtest.h>
#include <pith/error.h>
#include <pith/tokenizer.h>
#include <rapidcheck/gtest.h>

#include <string>
#include <vector>

#include "tokenizer/utf8.h"
#include "tokenizer/vocab_fixture.h"

namespace pith {
namespace {

using test::byte_level_fixture;
using test::plain;
using test::sentence_piece_fixture;
using Tokens = std::vector<Token>;

TEST(StreamDecoder, HoldsBackUnfinishedCharacters) {
  const Tokenizer tokenizer = byte_level_fixture().make();
  StreamDecoder stream(tokenizer);
  EXPECT_EQ(stream.push(0xF0), "");
  EXPECT_EQ(stream.push(0x9F), "");
  EXPECT_EQ(stream.push(0x9A), "");
  EXPECT_EQ(stream.push(0x80), "🚀");
  EXPECT_EQ(stream.push(257), "the");
  EXPECT_EQ(stream.finish(), "");
}

TEST(StreamDecoder, ReplacesWhatCannotBecomeACharacter) {
  const Tokenizer tokenizer = byte_level_fixture().make();
  StreamDecoder stream(tokenizer);
  EXPECT_EQ(stream.push(0xF0), "");
  EXPECT_EQ(stream.push(0x9F), "");
  EXPECT_EQ(stream.push(257), "\uFFFDthe") << "one for the begun character";
  EXPECT_EQ(stream.push(0x80), "\uFFFD");
  EXPECT_EQ(stream.push(0xFF), "\uFFFD");
  EXPECT_EQ(stream.push(0xE2), "");
  EXPECT_EQ(stream.finish(), "\uFFFD");
  EXPECT_EQ(stream.finish(), "");
  EXPECT_EQ(stream.push('a'), "a") << "usable afterwards";
}

TEST(StreamDecoder, LeavesOutSpecialTokensByChoice) {
  const Tokenizer tokenizer = sentence_piece_fixture().make();
  StreamDecoder silent(tokenizer);
  EXPECT_EQ(silent.push(1), "");
  EXPECT_EQ(silent.push(260), "the");
  EXPECT_EQ(silent.push(260), " the");
  StreamDecoder spelled(tokenizer, true);
  EXPECT_EQ(spelled.push(1), "<s>");
  EXPECT_EQ(spelled.push(260), " the");
}

TEST(StreamDecoder, KeepsTheSpaceOfATextThatGoesOn) {
  const Tokenizer tokenizer = sentence_piece_fixture().make();
  StreamDecoder stream(tokenizer, false, false);
  EXPECT_EQ(stream.push(260), " the");
}

TEST(StreamDecoder, RefusesIdsOutsideTheVocabulary) {
  const Tokenizer tokenizer = byte_level_fixture().make();
  StreamDecoder stream(tokenizer);
  EXPECT_THROW(stream.push(259), Error);
}

// For any tokens, the stream is valid UTF-8, and equals the text if the text is valid.
RC_GTEST_PROP(StreamDecoder, StreamsWholeCharacters, ()) {
  static const Tokenizer tokenizer = test::trained_bpe(test::read_tokenizer_data("bpe.json"), "gpt-2").make();
  const auto tokens = *rc::gen::container<Tokens>(rc::gen::inRange(0, tokenizer.vocab_size()));
  StreamDecoder stream(tokenizer, true);
  std::string streamed;
  for (const Token token : tokens) {
    const std::string piece = stream.push(token);
    RC_ASSERT(tokenizer::is_valid_utf8(piece));
    streamed += piece;
  }
  streamed += stream.finish();
  const std::string text = tokenizer.decode(tokens, true);
  if (tokenizer::is_valid_utf8(text)) RC_ASSERT(streamed == text);
  RC_ASSERT(tokenizer::is_valid_utf8(streamed));
}

TEST(StreamDecoder, StreamsWhatWasEncoded) {
  const nlohmann::json bpe = test::read_tokenizer_data("bpe.json");
  const nlohmann::json spm = test::read_tokenizer_data("spm.json");
  for (const Tokenizer& tokenizer :
       {test::trained_bpe(bpe, "llama-bpe").make(), test::trained_spm(spm["prefix"]).make()}) {
    for (const auto& text : spm["texts"].get<std::vector<std::string>>()) {
      if (text.find("▁") != std::string::npos) continue;
      StreamDecoder stream(tokenizer);
      std::string streamed;
      for (const Token token : tokenizer.encode(text, plain())) streamed += stream.push(token);
      EXPECT_EQ(streamed + stream.finish(), text);
    }
  }
}

}  // namespace
}  // namespace pith
