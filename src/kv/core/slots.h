#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "kv/layout/layout.h"
#include "kv/layout/positions.h"

// Words of this room.
//
// page          64 tokens of one side (keys or values) of one KV head of one layer. Also their bytes in some codec.
// open page     The newest page, not yet full, kept exactly.
// sealed page   A full page, encoded. Its bytes never change.
// recent form   A sealed page in the finer codec of the last few pages (Tiers::recent).
// old form      The same page in the codec itself, its final form: once no query sees the page as recent.
// packed page   An old page made of the tokens that eviction left of several others, copied as they are stored.
// origin        What some tokens of a packed page have in common because of the page that they come from.
// grid          What the tokens of a page are stored relative to; tokens move only between pages on the same grid.
// slot          Index of a sealed page among those that a KV head holds. Keys and values share it.
// exact prefix  The first 16 tokens of a sequence, kept exactly by the cache where a codec is lossy, and then no part
//               of page 0. (EvictionOptions::sinks is another number: how many first tokens eviction must not touch.)
// cell          64 places for tokens of a KV head wherever they are: the exact prefix, then the slots, then the open
//               page. What is kept per token (gathered attention, shifts) is indexed by cell.

namespace pith::kv {

inline constexpr std::size_t kPrefixCell = 0;
constexpr std::size_t cell_of_slot(std::size_t slot) { return slot + 1; }
constexpr std::size_t slot_of_cell(std::size_t cell) { return cell - 1; }

/// Which tokens a sealed page holds; keys and values of slot i are page i of their side.
struct Slot {
  static constexpr std::int32_t kPacked = -1;

  /// Number of the page in the sequence, or kPacked.
  std::int32_t page = kPacked;
  /// Tokens still held. Page 0 leaves out those of the exact prefix.
  TokenMask live = kAllTokens;
  /// Packed pages only: the position of each token [0, count).
  std::shared_ptr<const Positions> positions{};

  bool packed() const { return page == kPacked; }
  std::size_t held() const { return static_cast<std::size_t>(std::popcount(live)); }
};

/// Returns the positions of all tokens of the page, held or not; of a packed one, of those that it was made with.
std::vector<std::int32_t> positions_of(const Slot& slot);

/// The sealed tokens of one KV head: packed pages first, then the others in order. Pages that a query may see as recent
/// are never removed, so the last slots are always the last pages of the sequence.
struct HeadSlots {
  std::vector<Slot> slots;
  /// Tokens of the exact prefix still held; 0 before page 0 is sealed.
  TokenMask exact_prefix = 0;

  std::size_t held() const {
    auto count = static_cast<std::size_t>(std::popcount(exact_prefix));
    for (const Slot& slot : slots) count += slot.held();
    return count;
  }
  /// Returns the slot of page `page` when `pages` pages are sealed. `page` and all later ones must still have slots.
  std::size_t slot_of(std::size_t page, std::size_t pages) const { return slots.size() - (pages - page); }
  std::size_t open_cell() const { return cell_of_slot(slots.size()); }
  std::size_t cells() const { return open_cell() + 1; }
};

}  // namespace pith::kv
