#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/pretokenizer.h"
#include "tokenizer/pretokenizer_table.h"
#include "tokenizer/vocab_fixture.h"

namespace pith {
namespace {

using test::plain;

/// A million; fewer under sanitizers, where what takes a second here takes a minute.
constexpr std::size_t kLong = 1'000'000 / (PITH_SANITIZED != 0 ? 10 : 1);

std::string repeated(std::string_view part, std::size_t times) {
  std::string text;
  text.reserve(part.size() * times);
  for (std::size_t i = 0; i < times; ++i) text.append(part);
  return text;
}

/// Texts that would take quadratic time or a deep stack if something were wrong.
std::vector<std::string> long_texts() {
  std::vector<std::string> texts;
  for (const char* one : {"a", "A", " ", "\n", "0", "<", "'", ".", "é", "中", "\u3000", "\u0301", "\U0001F600"}) {
    texts.push_back(repeated(one, kLong));
  }
  for (const char* two : {"\r\n", " \n", "a ", "Ab", " \u3000", "<|"}) texts.push_back(repeated(two, kLong / 2));
  for (const char* last : {"x", "1", "中", "\n", "!"}) texts.push_back(repeated(" ", kLong) + last);
  return texts;
}

/// The simplest of them, for slower cases.
std::vector<std::string> equal_characters() {
  std::vector<std::string> texts;
  for (const char* one : {"a", " ", "\n", "0", "<", "é"}) texts.push_back(repeated(one, kLong));
  return texts;
}

struct LongText : testing::TestWithParam<const char*> {};

TEST_P(LongText, IsCutWhole) {
  const tokenizer::PreTokenizer pre_tokenizer(tokenizer::find_pre_tokenizer(GetParam())->patterns);
  for (const std::string& text : long_texts()) {
    const std::vector<std::string_view> words = pre_tokenizer.split(text);
    const char* end = text.data();
    for (const std::string_view word : words) {
      ASSERT_EQ(word.data(), end) << text.substr(0, 4);
      end += word.size();
    }
    ASSERT_EQ(end, text.data() + text.size()) << text.substr(0, 4);
    ASSERT_LE(words.size(), kLong + 1) << text.substr(0, 4);
  }
}

// One name for each list of patterns.
INSTANTIATE_TEST_SUITE_P(, LongText,
                         testing::Values("gpt-2", "smollm", "llama-bpe", "qwen2", "qwen35", "deepseek-llm",
                                         "deepseek-coder", "deepseek-v3", "falcon", "tekken", "gpt-4o", "default",
                                         "viking", "spark2_5", "afmoe", "tiny_aya", "superbpe", "jais-2", "minicpm5",
                                         "youtu", "exaone-moe", "chameleon", "bailingmoe", "seed-coder", "ufakzeka",
                                         "kimi-k2", "laguna", "gemma4", "whitespace"),
                         [](const auto& instance) {
                           std::string name = instance.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(LongTextOf, BpeIsEncodedWhole) {
  const Tokenizer tokenizer = test::trained_bpe(test::read_tokenizer_data("bpe.json"), "qwen2").make();
  for (const std::string& text : equal_characters()) {
    ASSERT_TRUE(tokenizer.decode(tokenizer.encode(text, plain())) == text) << text.substr(0, 4);
  }
}

TEST(LongTextOf, SentencePieceIsEncodedWhole) {
  const Tokenizer tokenizer = test::trained_spm(test::read_tokenizer_data("spm.json")["prefix"]).make();
  for (const std::string& text : equal_characters()) {
    ASSERT_TRUE(tokenizer.decode(tokenizer.encode(text, plain())) == text) << text.substr(0, 4);
  }
}

TEST(LongTextOf, CharactersAreMergedWhole) {
  const Tokenizer tokenizer = test::trained_characters(test::read_tokenizer_data("characters.json")).make();
  for (const std::string& text : equal_characters()) {
    ASSERT_TRUE(tokenizer.decode(tokenizer.encode(text, plain())) == text) << text.substr(0, 4);
  }
}

TEST(LongTextOf, UnigramTakesAll) {
  const Tokenizer tokenizer = test::trained_unigram(test::read_tokenizer_data("unigram.json"), "prefix").make();
  for (const std::string& text : long_texts()) {
    const std::vector<Token> tokens = tokenizer.encode(text, plain());
    ASSERT_FALSE(tokens.empty()) << text.substr(0, 4);
    // Its charsmap makes two characters of "é".
    ASSERT_LE(tokens.size(), 2 * kLong + 2) << text.substr(0, 4);
  }
}

TEST(LongTextOf, WordPieceTakesAll) {
  const Tokenizer tokenizer = test::trained_word_piece(test::read_tokenizer_data("word_piece.json"), "uncased").make();
  for (const std::string& text : long_texts()) {
    ASSERT_LE(tokenizer.encode(text, plain()).size(), kLong + 1) << text.substr(0, 4);
  }
  EXPECT_EQ(tokenizer.encode(std::string(kLong, 'a'), plain()), std::vector<Token>{1});
}

TEST(LongTextOf, WordsAreTheSameWithoutMachineCode) {
  using tokenizer::Jit;
  for (const char* name : {"llama-bpe", "deepseek-llm", "gpt-4o", "tiny_aya", "exaone-moe"}) {
    const auto patterns = tokenizer::find_pre_tokenizer(name)->patterns;
    const tokenizer::PreTokenizer compiled(patterns, Jit::kIfPossible);
    const tokenizer::PreTokenizer interpreted(patterns, Jit::kNever);
    for (const std::string& text : equal_characters()) {
      ASSERT_TRUE(compiled.split(text) == interpreted.split(text)) << name << ": " << text.substr(0, 4);
    }
  }
}

TEST(LongTextOf, InvalidBytes) {
  const std::string text(kLong, '\xF0');
  const Tokenizer bpe = test::trained_bpe(test::read_tokenizer_data("bpe.json"), "qwen2").make();
  EXPECT_TRUE(bpe.decode(bpe.encode(text, plain())) == repeated("\uFFFD", kLong));
  const Tokenizer spm = test::trained_spm(test::read_tokenizer_data("spm.json")["bare"]).make();
  EXPECT_TRUE(spm.decode(spm.encode(text, plain())).ends_with(text));
}

TEST(LongTextOf, SpecialTokensAndNearMisses) {
  const Tokenizer tokenizer = test::trained_bpe(test::read_tokenizer_data("bpe.json"), "qwen2").make();
  EXPECT_EQ(tokenizer.encode(repeated("<|user|>", kLong / 8)).size(), kLong / 8);
  const std::string misses = repeated("<|user|", kLong / 7);
  EXPECT_TRUE(tokenizer.decode(tokenizer.encode(misses)) == misses);
}

}  // namespace
}  // namespace pith
