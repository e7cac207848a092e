#include "tokenizer/vocab.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pith/error.h>
#include <rapidcheck/gtest.h>

#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "tokenizer/vocab_fixture.h"

namespace pith::tokenizer {
namespace {

using test::byte_level_fixture;
using test::sentence_piece_fixture;
using test::VocabFixture;

/// Expects that a fixture is refused with an error of this kind, which names its file and contains `part`.
void expect_refused(const VocabFixture& fixture, ErrorKind kind, const std::string& part) {
  try {
    fixture.make();
    ADD_FAILURE() << "accepted; expected an error about " << part;
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind) << error.what();
    EXPECT_THAT(error.what(), testing::HasSubstr(part));
    EXPECT_THAT(error.what(), testing::StartsWith("fixture.gguf: "));
    EXPECT_THAT(error.what(), testing::Not(testing::HasSubstr("\n")));
  }
}

TEST(HostileVocab, NoTokens) {
  VocabFixture fixture;
  expect_refused(fixture, ErrorKind::kFormat, "tokenizer.ggml.tokens is missing or empty");
  fixture.model = "llama";
  expect_refused(fixture, ErrorKind::kFormat, "tokenizer.ggml.tokens is missing or empty");
}

TEST(HostileVocab, UnknownModelOrPreTokenizer) {
  VocabFixture fixture = byte_level_fixture();
  fixture.model = "rwkv";
  expect_refused(fixture, ErrorKind::kUnsupported, "tokenizer.ggml.model is 'rwkv'; known are gpt2, llama");
  fixture.model = "";
  expect_refused(fixture, ErrorKind::kUnsupported, "tokenizer.ggml.model is ''");
  fixture.model = "gpt2";
  fixture.pre = "gpt-9";
  expect_refused(fixture, ErrorKind::kUnsupported, "tokenizer.ggml.pre is 'gpt-9'; known are default, gpt-2");
}

TEST(HostileVocab, ArraysOfUnequalLength) {
  VocabFixture fixture = byte_level_fixture();
  fixture.rest.token_type.pop_back();
  expect_refused(fixture, ErrorKind::kFormat, "tokenizer.ggml.token_type has 258 entries, tokenizer.ggml.tokens 259");
  fixture = sentence_piece_fixture();
  fixture.rest.scores.push_back(0);
  expect_refused(fixture, ErrorKind::kFormat, "tokenizer.ggml.scores has 267 entries, tokenizer.ggml.tokens 266");
}

TEST(HostileVocab, Scores) {
  VocabFixture fixture = sentence_piece_fixture();
  fixture.rest.scores[7] = std::numeric_limits<float>::quiet_NaN();
  expect_refused(fixture, ErrorKind::kFormat, "tokenizer.ggml.scores[7] is NaN");
  fixture.rest.scores.clear();
  expect_refused(fixture, ErrorKind::kFormat, "tokenizer.ggml.scores is missing or empty");
}

TEST(HostileVocab, IdsOutOfRange) {
  const auto with = [](const std::function<void(VocabSource&)>& change) {
    VocabFixture fixture = byte_level_fixture();
    change(fixture.rest);
    return fixture;
  };
  expect_refused(with([](auto& s) { s.bos_token_id = 259; }), ErrorKind::kFormat,
                 "tokenizer.ggml.bos_token_id is 259, the vocabulary has 259 tokens");
  expect_refused(with([](auto& s) { s.eos_token_id = -1; }), ErrorKind::kFormat, "tokenizer.ggml.eos_token_id is -1");
  expect_refused(with([](auto& s) { s.unknown_token_id = std::int64_t{1} << 40; }), ErrorKind::kFormat,
                 "tokenizer.ggml.unknown_token_id is 1099511627776");
  expect_refused(with([](auto& s) { s.eot_token_id = 4294967295; }), ErrorKind::kFormat, "eot_token_id");
  expect_refused(with([](auto& s) { s.eom_token_id = 259; }), ErrorKind::kFormat, "eom_token_id");
  expect_refused(with([](auto& s) { s.fim_pad_token_id = 259; }), ErrorKind::kFormat, "fim_pad_token_id");
  expect_refused(with([](auto& s) { s.fim_rep_token_id = 259; }), ErrorKind::kFormat, "fim_rep_token_id");
  expect_refused(with([](auto& s) { s.fim_sep_token_id = 259; }), ErrorKind::kFormat, "fim_sep_token_id");
}

TEST(HostileVocab, Merges) {
  VocabFixture fixture = byte_level_fixture();
  fixture.merges[1] = "nospace";
  expect_refused(fixture, ErrorKind::kFormat, "tokenizer.ggml.merges[1] 'nospace' has no two parts");
  for (const char* merge : {"", " ", "a ", " a"}) {
    fixture.merges[1] = merge;
    expect_refused(fixture, ErrorKind::kFormat, "has no two parts");
  }
  fixture.merges[1] = "q z";
  expect_refused(fixture, ErrorKind::kFormat, "tokenizer.ggml.merges[1] 'q z' needs token 'qz'");
  fixture.merges[1] = "t h e";
  expect_refused(fixture, ErrorKind::kFormat, "which is not in the vocabulary");
  fixture.merges.clear();
  expect_refused(fixture, ErrorKind::kFormat, "tokenizer.ggml.merges is missing or empty");
}

TEST(HostileVocab, ByteTokens) {
  for (const char* text : {"", "<0x4>", "<0xG0>", "0x41", "<0x411>", "<0x41)"}) {
    VocabFixture fixture = sentence_piece_fixture();
    fixture.tokens[100] = text;
    expect_refused(fixture, ErrorKind::kFormat, "tokenizer.ggml.tokens[100] '");
  }
  VocabFixture fixture = sentence_piece_fixture();
  fixture.tokens[3 + 0x41] = "<0x42>";
  expect_refused(fixture, ErrorKind::kFormat, "lacks 1 of 256 byte tokens, such as '<0x41>'");
}

TEST(HostileVocab, NeitherBytesNorUnknown) {
  VocabFixture fixture;
  fixture.model = "llama";
  fixture.add("a");
  fixture.rest.unknown_token_id = 0;
  EXPECT_NO_THROW(fixture.make());
  fixture.rest.unknown_token_id = 1;
  expect_refused(fixture, ErrorKind::kFormat, "unknown_token_id is 1");
}

TEST(Vocab, AcceptsWhatIsOddButHarmless) {
  VocabFixture fixture = byte_level_fixture();
  fixture.tokens[3].clear();
  fixture.tokens[4] = "the";
  fixture.rest.token_type[5] = 0;
  const Tokenizer tokenizer = fixture.make();
  EXPECT_EQ(tokenizer.find(""), -1);
  EXPECT_EQ(tokenizer.piece(3), "");
  EXPECT_EQ(tokenizer.find("the"), 257) << "the last of equals";
  EXPECT_EQ(tokenizer.piece(5), "") << "an undefined type has no text";
}

TEST(Vocab, WithoutTypesAllTokensAreNormal) {
  VocabFixture fixture = byte_level_fixture();
  fixture.rest.token_type.clear();
  const Tokenizer tokenizer = fixture.make();
  EXPECT_EQ(tokenizer.piece(258), " the");
  EXPECT_FALSE(tokenizer.is_special(258));
}

TEST(Vocab, StatesNoSpecialTokensUnlessToldTo) {
  const Tokenizer bpe = byte_level_fixture().make();
  EXPECT_EQ(bpe.bos(), -1);
  EXPECT_EQ(bpe.eos(), -1);
  const Tokenizer spm = sentence_piece_fixture().make();
  EXPECT_EQ(spm.bos(), 1);
  EXPECT_EQ(spm.eos(), 2);
}

TEST(Vocab, PiecesByType) {
  VocabFixture fixture = sentence_piece_fixture();
  const Token user = fixture.add("▁user", TokenType::kUserDefined);
  const Token unused = fixture.add("x", TokenType::kUnused);
  const Tokenizer tokenizer = fixture.make();
  EXPECT_EQ(tokenizer.piece(260), " the");
  EXPECT_EQ(tokenizer.piece(3 + 0xC3), "\xC3");
  EXPECT_EQ(tokenizer.piece(1), "");
  EXPECT_EQ(tokenizer.piece(1, true), "<s>");
  EXPECT_EQ(tokenizer.piece(0), "");
  EXPECT_EQ(tokenizer.piece(0, true), "<unk>");
  EXPECT_EQ(tokenizer.piece(user), "▁user") << "as spelled";
  EXPECT_EQ(tokenizer.piece(unused, true), "");
}

TEST(Vocab, BytesOfTokens) {
  EXPECT_EQ(byte_of_token("<0x00>"), 0);
  EXPECT_EQ(byte_of_token("<0xfF>"), 255);
  EXPECT_EQ(byte_token(0x0A), "<0x0A>");
  for (int byte = 0; byte < 256; ++byte) {
    EXPECT_EQ(byte_of_token(byte_token(static_cast<std::uint8_t>(byte))), byte);
  }
  for (const char* text : {"", "<0x>", "<0x 1>", "<0x-1>", "<0x41", "<1x41>", " <0x41>"}) {
    EXPECT_FALSE(byte_of_token(text)) << text;
  }
}

// Whatever a damaged file states gives either a tokenizer that works or an Error.
RC_GTEST_PROP(HostileVocab, AnythingIsATokenizerOrAnError, ()) {
  const bool spm = *rc::gen::arbitrary<bool>();
  VocabFixture fixture = spm ? sentence_piece_fixture() : byte_level_fixture();
  fixture.pre = *rc::gen::element<std::string>("gpt-2", "llama-bpe", "deepseek-llm", "", "default");
  const auto index = [](std::size_t size) { return *rc::gen::inRange<std::size_t>(0, size); };
  const auto bytes = rc::gen::container<std::string>(rc::gen::arbitrary<char>());
  const int changes = *rc::gen::inRange(1, 6);
  for (int i = 0; i < changes; ++i) {
    switch (*rc::gen::inRange(0, 6)) {
      case 0:
        fixture.tokens[index(fixture.tokens.size())] = *bytes;
        break;
      case 1:
        fixture.tokens[index(fixture.tokens.size())] = fixture.tokens[index(fixture.tokens.size())];
        break;
      case 2:
        fixture.rest.token_type[index(fixture.rest.token_type.size())] = *rc::gen::inRange(-1, 9);
        break;
      case 3:
        if (!fixture.merges.empty()) fixture.merges[index(fixture.merges.size())] = *bytes;
        break;
      case 4:
        if (!fixture.rest.scores.empty()) fixture.rest.scores[index(fixture.rest.scores.size())] = 1e30F;
        break;
      default:
        fixture.rest.bos_token_id = *rc::gen::arbitrary<std::int64_t>();
        break;
    }
  }
  const std::string text = *bytes + "the <s> the" + *bytes;
  try {
    const Tokenizer tokenizer = fixture.make();
    const std::vector<Token> tokens = tokenizer.encode(text);
    for (const Token token : tokens) RC_ASSERT(token >= 0 && token < tokenizer.vocab_size());
    RC_ASSERT(tokenizer.decode(tokens, true).size() < 100 * (text.size() + 100));
  } catch (const Error&) {
    RC_SUCCEED("refused");
  }
}

}  // namespace
}  // namespace pith::tokenizer
