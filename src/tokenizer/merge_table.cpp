#include "tokenizer/merge_table.h"

#include <pith/random.h>

#include <bit>

#include "tokenizer/probe.h"

namespace pith::tokenizer {
namespace {

std::uint64_t key_of(Token left, Token right) noexcept {
  return (static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32) | static_cast<std::uint32_t>(right);
}

}  // namespace

MergeTable::MergeTable(std::size_t merges_max) : slots_(std::bit_ceil(2 * merges_max + 1)) {}

std::optional<std::size_t> MergeTable::slot_of(std::uint64_t key) const noexcept {
  return probe(static_cast<std::size_t>(mix_bits(key)), slots_.size(),
               [&](std::size_t slot) { return slots_[slot].merge.rank < 0 || slots_[slot].key == key; });
}

bool MergeTable::insert(Token left, Token right, Merge merge) {
  const std::uint64_t key = key_of(left, right);
  const auto slot = slot_of(key);
  if (slot && slots_[*slot].merge.rank < 0) slots_[*slot] = {key, merge};
  return slot.has_value();
}

Merge MergeTable::find(Token left, Token right) const noexcept {
  const auto slot = slot_of(key_of(left, right));
  return slot ? slots_[*slot].merge : Merge{};
}

}  // namespace pith::tokenizer
