#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "kv/layout.h"
#include "kv/positions.h"

namespace pith::kv {

/// Bit t: token t of a page is held.
using TokenMask = std::uint64_t;
inline constexpr TokenMask kAllTokens = ~TokenMask{0};
static_assert(kPageTokens == 64);

/// Tokens [0, count).
constexpr TokenMask first_tokens(std::size_t count) {
  return count >= kPageTokens ? kAllTokens : (TokenMask{1} << count) - 1;
}

/// Where sealed tokens of one KV head lie: keys and values of slot i are page i of either side.
struct Slot {
  static constexpr std::int32_t kPacked = -1;

  /// The page of the sequence that the slot holds, or kPacked: survivors of several.
  std::int32_t page = kPacked;
  /// Tokens that are still held. Of page 0 not those that are kept as sinks.
  TokenMask live = kAllTokens;
  /// Of packed slots: positions of tokens [0, their number).
  std::shared_ptr<const Positions> positions{};

  bool packed() const { return page == kPacked; }
  std::size_t held() const { return static_cast<std::size_t>(std::popcount(live)); }
};

/// Of all tokens that the slot has room for, held or not; of packed ones, of those that it was made with.
std::vector<std::int32_t> positions_of(const Slot& slot);

/// The sealed tokens of one KV head: packed slots first, then pages in order. Pages that a query may see as recent are
/// always there, so that the last slots are the last pages.
struct HeadSlots {
  std::vector<Slot> slots;
  /// Tokens of the sinks that are still held; 0 until there are some.
  TokenMask sinks = 0;

  std::size_t held() const {
    auto count = static_cast<std::size_t>(std::popcount(sinks));
    for (const Slot& slot : slots) count += slot.held();
    return count;
  }
  /// Where page `page` of `pages` sealed ones lies, if it is among the last ones.
  std::size_t slot_of(std::size_t page, std::size_t pages) const { return slots.size() - (pages - page); }
};

}  // namespace pith::kv
