#include "kv/evict/pack.h"

#include <algorithm>
#include <array>
#include <bit>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "kv/read/read_back.h"

namespace pith::kv {
namespace {

/// Packing::kLazy moves tokens only when holes are at least 1/kLazyShare of the room in movable pages.
constexpr std::size_t kLazyShare = 8;

/// Finds the slot that holds the same page as `wanted`.
std::vector<Slot>::const_iterator find_same(const std::vector<Slot>& slots, const Slot& wanted) {
  return std::find_if(slots.begin(), slots.end(), [&](const Slot& slot) {
    return slot.packed() == wanted.packed() && slot.page == wanted.page && slot.positions == wanted.positions;
  });
}

/// A packed page that is being filled.
struct Target {
  std::array<RawBuffer, kSides.size()> bytes;
  std::array<std::vector<Origin>, kSides.size()> origins;
  std::vector<std::int32_t> positions;
};

/// Packs the pages of one KV head.
class HeadPacker {
 public:
  HeadPacker(Cache& cache, Head& head) : cache_(cache), head_(head), layer_(head.layer()), slots_(head.slots) {}

  void run(Packing packing) {
    const bool moves = worth_moving(packing);
    const auto goes = [&](std::size_t i) {
      return old(i) && (slots_.slots[i].live == 0 || (moves && movable(i) && slots_.slots[i].live != whole(i)));
    };
    std::vector<std::size_t> stay;
    std::vector<std::size_t> go;
    for (std::size_t i = 0; i < slots_.slots.size(); ++i) (goes(i) ? go : stay).push_back(i);
    if (go.empty()) return;
    move(go);
    rebuild(stay);
  }

 private:
  /// Codec::grid() of both sides.
  using Grid = std::array<std::string, kSides.size()>;

  const Page& page(std::size_t side, std::size_t slot) const { return head_.pages(kSides[side]).pages[slot]; }
  const Codec& codec(std::size_t side) const { return head_.old_codec(kSides[side]); }

  /// Returns what a slot holds if nothing was evicted from it.
  TokenMask whole(std::size_t slot) const {
    return slots_.slots[slot].page == 0 && layer_.keeps_exact_prefix() ? ~first_tokens(kExactPrefixTokens) : kAllTokens;
  }

  /// Returns whether no query sees the page as recent any more.
  bool old(std::size_t slot) const {
    if (slots_.slots[slot].packed()) return true;
    const auto page = static_cast<std::size_t>(slots_.slots[slot].page);
    return std::all_of(kSides.begin(), kSides.end(),
                       [&](KvSide side) { return page < layer_.side(side).old_pages(cache_.tokens()); });
  }

  /// The first tokens of page 0 (in codecs without an exact prefix) are not mixed with others: past the trained length
  /// all tokens of a cell are shifted alike (shifts.h).
  bool movable(std::size_t slot) const {
    const Slot& at = slots_.slots[slot];
    if (at.page == 0 && (at.live & first_tokens(kExactPrefixTokens)) != 0) return false;
    for (std::size_t side = 0; side < kSides.size(); ++side) {
      if (!codec(side).movable() || !page(side, slot).old) return false;
    }
    return true;
  }

  bool worth_moving(Packing packing) const {
    if (packing == Packing::kEmpty) return false;
    std::size_t holes = 0;
    std::size_t room = 0;
    for (std::size_t i = 0; i < slots_.slots.size(); ++i) {
      if (!old(i) || !movable(i)) continue;
      room += kPageTokens;
      holes += kPageTokens - slots_.slots[i].held();
    }
    // Fewer holes than tokens per page would free no page.
    return holes >= kPageTokens && (packing == Packing::kFull || holes * kLazyShare >= room);
  }

  /// Reorders the slots: packed pages, the new ones last, then the others in order.
  void rebuild(const std::vector<std::size_t>& stay) {
    std::vector<Slot> slots;
    std::array<std::vector<Page>, kSides.size()> pages;
    const auto keep = [&](const Slot& slot, Page key, Page value) {
      slots.push_back(slot);
      pages[0].push_back(std::move(key));
      pages[1].push_back(std::move(value));
    };
    for (const std::size_t i : stay) {
      if (slots_.slots[i].packed()) keep(slots_.slots[i], page(0, i), page(1, i));
    }
    for (auto& [grid, targets] : targets_) {
      for (Target& target : targets) keep(slot_of(target), page_of(target, 0), page_of(target, 1));
    }
    for (const std::size_t i : stay) {
      if (!slots_.slots[i].packed()) keep(slots_.slots[i], page(0, i), page(1, i));
    }
    move_gathered(slots);
    const std::vector<Slot> before = std::exchange(slots_.slots, std::move(slots));
    for (const KvSide side : kSides) head_.pages(side).pages = std::move(pages[static_cast<std::size_t>(side)]);
    if (layer_.reads_sparsely) move_ranges(before);
  }

  /// What all tokens of a slot have in common, read once.
  struct Source {
    std::size_t slot = 0;
    std::array<std::vector<std::byte>, kSides.size()> grids{}, origins{};
  };

  Source source_of(std::size_t slot) const;
  Target& target_of(const Source& source);
  void move(const std::vector<std::size_t>& slots);
  void move_token(const Source& source, std::size_t token, std::int32_t position);
  /// Returns the origin that the token keeps; null if there is none.
  const std::vector<std::byte>* origin_of(const Source& source, std::size_t side, std::size_t token) const;
  void move_gathered(const std::vector<Slot>& slots);
  void move_ranges(const std::vector<Slot>& before);
  Slot slot_of(const Target& target) const {
    return {Slot::kPacked, first_tokens(target.positions.size()), std::make_shared<const Positions>(target.positions)};
  }
  Page page_of(Target& target, std::size_t side) const {
    Page page;
    page.old = seal_bytes(std::move(target.bytes[side]), layer_.pages);
    if (!target.origins[side].empty())
      page.origins = std::make_shared<const std::vector<Origin>>(std::move(target.origins[side]));
    return page;
  }

  Cache& cache_;
  Head& head_;
  const LayerConfig& layer_;
  HeadSlots& slots_;
  std::map<Grid, std::vector<Target>> targets_;
  /// By position of each moved token: the slot and the index in it that it was moved from. Gathered attention follows.
  std::map<std::int32_t, std::pair<std::size_t, std::size_t>> came_from_;
};

HeadPacker::Source HeadPacker::source_of(std::size_t slot) const {
  Source source{.slot = slot};
  for (std::size_t side = 0; side < kSides.size(); ++side) {
    const std::byte* bytes = page(side, slot).old->data();
    source.grids[side] = codec(side).grid(bytes);
    if (!slots_.slots[slot].packed()) source.origins[side] = codec(side).origin(bytes);
  }
  return source;
}

/// Returns the page that the next token of the same grid goes to.
Target& HeadPacker::target_of(const Source& source) {
  Grid grid;
  for (std::size_t side = 0; side < kSides.size(); ++side) {
    for (const std::byte b : source.grids[side]) grid[side].push_back(static_cast<char>(b));
  }
  std::vector<Target>& targets = targets_[grid];
  if (!targets.empty() && targets.back().positions.size() < kPageTokens) return targets.back();
  Target& target = targets.emplace_back();
  for (std::size_t side = 0; side < kSides.size(); ++side) {
    target.bytes[side] = RawBuffer(codec(side).page_bytes());
    codec(side).begin_page(source.grids[side], target.bytes[side].data());
  }
  return target;
}

const std::vector<std::byte>* HeadPacker::origin_of(const Source& source, std::size_t side, std::size_t token) const {
  const Page& from = page(side, source.slot);
  if (from.origins) {
    for (const Origin& each : *from.origins) {
      if ((each.tokens >> token & 1U) != 0) return &each.bytes;
    }
  }
  return source.origins[side].empty() ? nullptr : &source.origins[side];
}

void HeadPacker::move_token(const Source& source, std::size_t token, std::int32_t position) {
  Target& to = target_of(source);
  const std::size_t place = to.positions.size();
  to.positions.push_back(position);
  came_from_[position] = {source.slot, token};
  for (std::size_t side = 0; side < kSides.size(); ++side) {
    codec(side).copy_token(page(side, source.slot).old->data(), token, to.bytes[side].data(), place);
    const std::vector<std::byte>* origin = origin_of(source, side, token);
    if (origin == nullptr) continue;
    std::vector<Origin>& origins = to.origins[side];
    const auto same = std::find_if(origins.begin(), origins.end(), [&](const Origin& o) { return o.bytes == *origin; });
    Origin& mine = same != origins.end() ? *same : origins.emplace_back(Origin{0, *origin});
    mine.tokens |= TokenMask{1} << place;
  }
}

/// Moves what these slots hold to new pages, oldest first: positions ascend within a page, and packed pages may overlap
/// in position.
void HeadPacker::move(const std::vector<std::size_t>& slots) {
  struct Moved {
    std::int32_t position;
    std::size_t source, token;
  };
  std::vector<Source> sources;
  std::vector<Moved> tokens;
  for (const std::size_t slot : slots) {
    if (slots_.slots[slot].live == 0) continue;
    const std::vector<std::int32_t> positions = positions_of(slots_.slots[slot]);
    for (TokenMask left = slots_.slots[slot].live; left != 0; left &= left - 1) {
      const auto token = static_cast<std::size_t>(std::countr_zero(left));
      tokens.push_back({positions[token], sources.size(), token});
    }
    sources.push_back(source_of(slot));
  }
  std::sort(tokens.begin(), tokens.end(), [](const Moved& a, const Moved& b) { return a.position < b.position; });
  for (const Moved& moved : tokens) move_token(sources[moved.source], moved.token, moved.position);
}

/// Key ranges of slots that stay are copied; those of new pages are computed from the stored keys.
void HeadPacker::move_ranges(const std::vector<Slot>& before) {
  KeyRanges& ranges = head_.ranges;
  const KeyRanges old_ranges = std::exchange(ranges, {});
  HeldRows reader(head_, KvSide::kKeys);
  for (std::size_t i = 0; i < slots_.slots.size(); ++i) {
    const auto old = find_same(before, slots_.slots[i]);
    if (old != before.end()) {
      ranges.copy(i, old_ranges, static_cast<std::size_t>(old - before.begin()));
      continue;
    }
    std::vector<float> keys;
    for (std::size_t t = 0; t < slots_.slots[i].held(); ++t) {
      const std::span<const float> key = reader.row(cell_of_slot(i), t);
      keys.insert(keys.end(), key.begin(), key.end());
    }
    ranges.set(i, layer_.shape.key_size, keys);
  }
}

/// Moves what observers gathered along with the tokens.
void HeadPacker::move_gathered(const std::vector<Slot>& slots) {
  for (Observer& observer : cache_.observers().list()) {
    std::vector<double>& gathered = observer.gathered(head_.index());
    if (gathered.empty()) continue;
    gathered.resize(slots_.cells() * kPageTokens);
    std::vector<double> moved((slots.size() + 2) * kPageTokens);
    const auto copy = [&](std::size_t from_cell, std::size_t to_cell) {
      std::copy_n(&gathered[from_cell * kPageTokens], kPageTokens, &moved[to_cell * kPageTokens]);
    };
    copy(kPrefixCell, kPrefixCell);
    copy(slots_.open_cell(), cell_of_slot(slots.size()));
    for (std::size_t i = 0; i < slots.size(); ++i) {
      const std::vector<std::int32_t> positions = positions_of(slots[i]);
      const auto old = find_same(slots_.slots, slots[i]);
      if (old != slots_.slots.end()) {
        copy(cell_of_slot(static_cast<std::size_t>(old - slots_.slots.begin())), cell_of_slot(i));
        continue;
      }
      for (std::size_t t = 0; t < positions.size(); ++t) {
        const auto& [slot, token] = came_from_.at(positions[t]);
        moved[cell_of_slot(i) * kPageTokens + t] = gathered[cell_of_slot(slot) * kPageTokens + token];
      }
    }
    gathered = std::move(moved);
  }
}

}  // namespace

void pack(Cache& cache, Layer& layer, ThreadPool& pool, Packing packing) {
  pool.run(layer.heads().size(), [&](std::size_t h) { HeadPacker(cache, layer.head(h)).run(packing); });
}

}  // namespace pith::kv
