#pragma once

#include <pith/token.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace pith::tokenizer {

/// The token that two neighbours become. Pairs of lower rank are merged first.
struct Merge {
  std::int32_t rank = -1;  ///< -1: the pair does not merge
  Token merged = -1;
};

/// Pairs of tokens that BPE merges, in an open-addressing table, since every step of every word looks pairs up.
class MergeTable {
 public:
  explicit MergeTable(std::size_t merges_max);

  /// Inserts a pair; the first of equal pairs wins. Returns false if keys were crafted to collide, since probing past
  /// them all would take quadratic time.
  bool insert(Token left, Token right, Merge merge);
  Merge find(Token left, Token right) const noexcept;

 private:
  struct Slot {
    std::uint64_t key = 0;
    Merge merge;
  };

  /// Returns the slot that holds the pair or that it would go to; nullopt if that is beyond the longest probe allowed.
  std::optional<std::size_t> slot_of(std::uint64_t key) const noexcept;

  std::vector<Slot> slots_;  // a power of two; rank -1: free
};

}  // namespace pith::tokenizer
