#pragma once

#include <pith/token.h>

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "tokenizer/vocab.h"

namespace pith::tokenizer {

/// Finds the tokens that a text begins with, byte by byte. Immutable.
class TokenTrie {
 public:
  struct Entry {
    std::string_view text;
    Token token = -1;
  };
  /// Stands for what the text has been so far. The root stands for nothing yet.
  using Node = std::uint32_t;
  static constexpr Node kRoot = 0;

  TokenTrie() = default;
  /// Leaves empty texts out; of equal ones the highest token counts. Takes 12 bytes for each of theirs at most, of
  /// which there must be less than 2^31.
  explicit TokenTrie(std::vector<Entry> entries);

  /// Returns the node with one more byte; the root if no token goes on so.
  Node next(Node node, std::uint8_t byte) const noexcept;
  /// Returns the token that ends at a node; -1 if none does.
  Token token(Node node) const noexcept { return nodes_[node].token; }

 private:
  /// Its children, which have one more byte, lie side by side, sorted by it.
  struct Branch {
    Node first_child = 0;
    Token token = -1;
    std::uint16_t children = 0;
    std::uint8_t last_byte = 0;
  };

  std::vector<Branch> nodes_ = {Branch{}};
  std::array<Node, 256> from_root_{};
};

/// Returns the trie of a vocabulary's tokens of some types. Throws Error(kFormat) if they have more bytes together than
/// any real vocabulary has.
TokenTrie make_trie(const Vocab& vocab, const VocabSource& source, std::span<const TokenType> types);

}  // namespace pith::tokenizer
