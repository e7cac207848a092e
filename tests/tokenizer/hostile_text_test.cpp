#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pith/error.h>
#include <pith/random.h>

#include <bit>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/merge_table.h"
#include "tokenizer/text_index.h"
#include "tokenizer/vocab_fixture.h"

// Texts and vocabularies made to take excessive time or memory. Where one succeeds, its test does not end.
namespace pith {
namespace {

using test::plain;
using test::VocabFixture;

constexpr std::size_t kTenMegabytes = 10'000'000 / (PITH_SANITIZED != 0 ? 20 : 1);

std::string filled(std::string_view part, std::size_t bytes) {
  std::string text;
  text.reserve(bytes);
  while (text.size() + part.size() <= bytes) text.append(part);
  return text;
}

/// Ten megabytes each, without a space.
std::vector<std::string> texts_without_spaces() {
  std::vector<std::string> texts;
  for (const char* part : {"a", "hello", "中"}) texts.push_back(filled(part, kTenMegabytes));
  return texts;
}

TEST(HostileText, TenMegabytesWithoutASpace) {
  const Tokenizer bpe = test::trained_bpe(test::read_tokenizer_data("bpe.json"), "llama-bpe").make();
  const Tokenizer spm = test::trained_spm(test::read_tokenizer_data("spm.json")["prefix"]).make();
  for (const std::string& text : texts_without_spaces()) {
    EXPECT_TRUE(bpe.decode(bpe.encode(text, plain())) == text) << text.substr(0, 6);
    EXPECT_TRUE(spm.decode(spm.encode(text, plain())) == text) << text.substr(0, 6);
  }
}

TEST(HostileText, TenMegabytesOfInvalidUtf8) {
  const Tokenizer bpe = test::trained_bpe(test::read_tokenizer_data("bpe.json"), "llama-bpe").make();
  const Tokenizer spm = test::trained_spm(test::read_tokenizer_data("spm.json")["prefix"]).make();
  for (const char* part : {"\xFF", "\xF0\x9F\x98", "a\xC3"}) {
    const std::string text = filled(part, kTenMegabytes);
    EXPECT_TRUE(spm.decode(spm.encode(text, plain())) == text) << part;
    const std::vector<Token> tokens = bpe.encode(text, plain());
    EXPECT_THAT(bpe.decode(tokens), testing::StartsWith(part[0] == 'a' ? "a\uFFFD" : "\uFFFD"));
    StreamDecoder decoder(bpe);
    std::size_t characters = 0;
    for (const Token token : tokens) characters += decoder.push(token).size();
    EXPECT_GE(characters, text.size());
  }
}

TEST(HostileText, DeepNestingOfSpecialTokens) {
  const Tokenizer bpe = test::trained_bpe(test::read_tokenizer_data("bpe.json"), "qwen2").make();
  for (const char* part : {"<|user|>", "<|<|user|>|>", "<|user", "<", "<|", "<|user<|user<|user|>"}) {
    const std::string text = filled(part, kTenMegabytes / 4);
    EXPECT_TRUE(bpe.decode(bpe.encode(text), true) == text) << part;
  }
}

TEST(HostileText, SpecialTokensThatAlmostMatchEverywhere) {
  VocabFixture fixture = test::byte_level_fixture();
  // A match can begin anywhere, goes on for long, and branches at each byte.
  for (std::size_t i = 1; i < 1000; ++i) {
    fixture.add(std::string(i, 'a') + 'b', tokenizer::TokenType::kControl);
  }
  const Tokenizer tokenizer = fixture.make();
  const std::string text(kTenMegabytes, 'a');
  EXPECT_EQ(tokenizer.encode(text).size(), text.size());
  EXPECT_EQ(tokenizer.encode(text.substr(0, 2000) + "b").size(), 1002U) << "the longest, 999 bytes, at the end";
}

TEST(HostileVocab, SpecialTokensOfMegabytes) {
  VocabFixture fixture = test::byte_level_fixture();
  for (int i = 0; i < 1100; ++i) {
    fixture.add(std::string(4000, 'a') + std::to_string(i), tokenizer::TokenType::kControl);
  }
  try {
    fixture.make();
    ADD_FAILURE() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kFormat);
    EXPECT_THAT(error.what(), testing::HasSubstr("1100 special ones of 44"));
    EXPECT_THAT(error.what(), testing::HasSubstr("at most 4194304 bytes"));
  }
}

TEST(HostileVocab, TokensOfAMegabyte) {
  VocabFixture fixture = test::byte_level_fixture();
  fixture.tokens[7] = std::string(4096, 'a');
  EXPECT_NO_THROW(fixture.make());
  fixture.tokens[7] += 'a';
  try {
    fixture.make();
    ADD_FAILURE() << "accepted";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("tokenizer.ggml.tokens[7] has 4097 bytes, at most 4096"));
  }
}

TEST(HostileVocab, TokensThatFallTogether) {
  // Texts with equal slots in the table, found by search.
  constexpr std::size_t kSame = 1200;
  std::vector<std::string> texts;
  const std::size_t mask = std::bit_ceil(2 * kSame + 1) - 1;
  for (std::size_t i = 0; texts.size() < kSame; ++i) {
    std::string text = std::to_string(i);
    if ((std::hash<std::string_view>{}(text)&mask) == 5) texts.push_back(std::move(text));
  }
  EXPECT_FALSE(tokenizer::TextIndex({texts.begin(), texts.end()}).whole());
  texts.resize(1000);
  const tokenizer::TextIndex index({texts.begin(), texts.end()});
  EXPECT_TRUE(index.whole());
  EXPECT_EQ(index.find(texts[999]), 999);
  EXPECT_EQ(index.find("x"), -1);
}

TEST(HostileVocab, HonestMergesDoNotFallTogether) {
  // All pairs share one token, or a few.
  for (const bool left : {false, true}) {
    for (const Token shared : {1, 2, 100}) {
      constexpr Token kMerges = 20000;
      tokenizer::MergeTable table(kMerges);
      bool whole = true;
      for (Token i = 0; i < kMerges; ++i) {
        const Token other = i / shared;
        whole = whole && table.insert(left ? i % shared : other, left ? other : i % shared, {i, 1});
      }
      EXPECT_TRUE(whole) << left << shared;
    }
  }
}

TEST(HostileVocab, MergesThatFallTogether) {
  constexpr std::size_t kMerges = 3000;
  tokenizer::MergeTable table(kMerges);
  const std::size_t mask = std::bit_ceil(2 * kMerges + 1) - 1;
  std::size_t inserted = 0;
  bool refused = false;
  for (Token left = 0; !refused && left < 4000; ++left) {
    for (Token right = 0; !refused && right < 4000; ++right) {
      const std::uint64_t key = (static_cast<std::uint64_t>(left) << 32) | static_cast<std::uint64_t>(right);
      if ((mix_bits(key) & mask) != 7) continue;
      refused = !table.insert(left, right, {static_cast<std::int32_t>(inserted), 1});
      if (!refused) ++inserted;
    }
  }
  EXPECT_TRUE(refused);
  EXPECT_EQ(inserted, 1024U);
}

TEST(HostileVocab, MessagesEscapeWhatTheyShow) {
  VocabFixture fixture = test::byte_level_fixture();
  fixture.merges[1] = "\x1b[2J\n x";
  try {
    fixture.make();
    ADD_FAILURE() << "accepted";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("merges[1] '\\x1b[2J\\x0a x' needs token"));
  }
}

}  // namespace
}  // namespace pith
