#pragma once

#include <pith/options.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace pith::tokenizer {

/// What two neighbours become; the lower rank goes first.
struct Merge {
  std::int32_t rank = -1;  ///< -1: they do not merge
  Token merged = -1;
};

/// Pairs of tokens that BPE merges: an open-addressing table, since every step of every word asks it.
class MergeTable {
 public:
  explicit MergeTable(std::size_t merges_max);

  /// Of equal pairs the first counts. False if pairs were made to fall together in the table, so that looking at them
  /// all would take quadratic time.
  bool insert(Token left, Token right, Merge merge);
  Merge find(Token left, Token right) const noexcept;

 private:
  struct Slot {
    std::uint64_t key = 0;
    Merge merge;
  };

  /// Where a pair is or would be; nullopt if that is further away than any may be.
  std::optional<std::size_t> slot_of(std::uint64_t key) const noexcept;

  std::vector<Slot> slots_;  // a power of two; rank -1: free
};

}  // namespace pith::tokenizer
