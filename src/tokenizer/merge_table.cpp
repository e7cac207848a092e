#include "tokenizer/merge_table.h"

#include <bit>

namespace pith::tokenizer {
namespace {

/// The table is at most half full: of a million pairs the one that is furthest away is so by about a hundred.
constexpr std::size_t kProbesMax = 1024;

std::uint64_t key_of(Token left, Token right) noexcept {
  return (static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32) | static_cast<std::uint32_t>(right);
}

}  // namespace

MergeTable::MergeTable(std::size_t merges_max) : slots_(std::bit_ceil(2 * merges_max + 1)) {}

const MergeTable::Slot* MergeTable::slot_of(std::uint64_t key) const noexcept {
  const std::size_t mask = slots_.size() - 1;
  std::size_t slot = static_cast<std::size_t>((key * 0x9E3779B97F4A7C15U) >> 20) & mask;
  for (std::size_t probes = 0; probes < kProbesMax; ++probes, slot = (slot + 1) & mask) {
    if (slots_[slot].merge.rank < 0 || slots_[slot].key == key) return &slots_[slot];
  }
  return nullptr;
}

bool MergeTable::insert(Token left, Token right, Merge merge) {
  const Slot* found = slot_of(key_of(left, right));
  if (found == nullptr) return false;
  if (found->merge.rank < 0) slots_[static_cast<std::size_t>(found - slots_.data())] = {key_of(left, right), merge};
  return true;
}

Merge MergeTable::find(Token left, Token right) const noexcept {
  const Slot* found = slot_of(key_of(left, right));
  return found == nullptr ? Merge{} : found->merge;
}

}  // namespace pith::tokenizer
