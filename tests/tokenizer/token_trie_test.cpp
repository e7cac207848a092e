#include "tokenizer/token_trie.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace pith::tokenizer {
namespace {

/// Returns the tokens that a text begins with, shortest first.
std::vector<Token> beginnings(const TokenTrie& trie, std::string_view text) {
  std::vector<Token> tokens;
  TokenTrie::Node node = TokenTrie::kRoot;
  for (const char byte : text) {
    node = trie.next(node, static_cast<std::uint8_t>(byte));
    if (node == TokenTrie::kRoot) break;
    if (trie.token(node) >= 0) tokens.push_back(trie.token(node));
  }
  return tokens;
}

TEST(TokenTrie, FindsWhatATextBeginsWith) {
  const TokenTrie trie({{"abc", 1}, {"a", 2}, {"abd", 3}, {"\xFF\xFE", 4}, {"\x7F", 5}, {"b", 6}});
  EXPECT_EQ(beginnings(trie, "abcd"), (std::vector<Token>{2, 1}));
  EXPECT_EQ(beginnings(trie, "abd"), (std::vector<Token>{2, 3}));
  EXPECT_EQ(beginnings(trie, "ab"), std::vector<Token>{2});
  EXPECT_EQ(beginnings(trie, "\xFF\xFE"), std::vector<Token>{4});
  EXPECT_EQ(beginnings(trie, "\x7F"), std::vector<Token>{5});
  EXPECT_EQ(beginnings(trie, "c"), std::vector<Token>{});
}

TEST(TokenTrie, OfEqualTextsTheLastCounts) {
  const TokenTrie trie({{"a", 7}, {"", 8}, {"a", 9}, {"a", 3}});
  EXPECT_EQ(beginnings(trie, "a"), std::vector<Token>{9});
}

TEST(TokenTrie, MayBeEmpty) {
  EXPECT_EQ(beginnings(TokenTrie(), "a"), std::vector<Token>{});
  EXPECT_EQ(beginnings(TokenTrie(std::vector<TokenTrie::Entry>()), "a"), std::vector<Token>{});
}

TEST(TokenTrie, HasEveryByte) {
  std::vector<std::string> texts;
  texts.reserve(256);
  for (int byte = 0; byte < 256; ++byte) texts.push_back(std::string("x") + static_cast<char>(byte));
  std::vector<TokenTrie::Entry> entries;
  entries.reserve(texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i) entries.push_back({texts[i], static_cast<Token>(i)});
  const TokenTrie trie(entries);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    EXPECT_EQ(beginnings(trie, texts[i]), std::vector<Token>{static_cast<Token>(i)});
  }
}

}  // namespace
}  // namespace pith::tokenizer
