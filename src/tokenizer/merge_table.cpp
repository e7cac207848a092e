#include "tokenizer/merge_table.h"

#include <bit>

namespace pith::tokenizer {
namespace {

std::uint64_t key_of(Token left, Token right) noexcept {
  return (static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32) | static_cast<std::uint32_t>(right);
}

}  // namespace

MergeTable::MergeTable(std::size_t merges_max) : slots_(std::bit_ceil(2 * merges_max + 1)) {}

std::size_t MergeTable::slot_of(std::uint64_t key) const noexcept {
  const std::size_t mask = slots_.size() - 1;
  std::size_t slot = static_cast<std::size_t>((key * 0x9E3779B97F4A7C15U) >> 20) & mask;
  while (slots_[slot].merge.rank >= 0 && slots_[slot].key != key) slot = (slot + 1) & mask;
  return slot;
}

void MergeTable::insert(Token left, Token right, Merge merge) {
  Slot& slot = slots_[slot_of(key_of(left, right))];
  if (slot.merge.rank < 0) slot = {key_of(left, right), merge};
}

Merge MergeTable::find(Token left, Token right) const noexcept { return slots_[slot_of(key_of(left, right))].merge; }

}  // namespace pith::tokenizer
