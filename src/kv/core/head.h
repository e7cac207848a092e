#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <vector>

#include "base/buffer.h"
#include "kv/core/key_basis.h"
#include "kv/core/key_ranges.h"
#include "kv/core/merge_tree.h"
#include "kv/core/query_sums.h"
#include "kv/core/rotary.h"
#include "kv/core/sealed_page.h"
#include "kv/core/side_config.h"
#include "kv/core/slots.h"
#include "kv/layout/layout.h"

namespace pith::kv {

inline constexpr std::array kSides = {KvSide::kKeys, KvSide::kValues};

/// A sealed page of one side of one KV head: in the recent codec while some query sees it as recent, in the codec
/// itself from the first query on that sees it as old. Both only within a batch; neither once no query sees the page.
struct Page {
  SealedPage recent;
  SealedPage old;
  /// Packed pages only, which are always old.
  std::shared_ptr<const std::vector<Origin>> origins{};
};

/// The pages of one side of one KV head of one layer.
struct SidePages {
  std::vector<Page> pages;  ///< Indexed by slot (HeadSlots).
  /// The exact prefix (slots.h); null where no codec is lossy, before page 0 is sealed, and once no query can see it.
  SealedPage exact_prefix;
  /// The open page; null where there is none. Shared with forks until one of them writes.
  std::shared_ptr<RawBuffer> open;
  /// The grid of old pages; empty before the first.
  std::vector<std::byte> grid;
  /// Whether the first old page has been sealed. From then on `grid` is only read, from several threads at once.
  bool grid_decided = false;
};

/// What never changes about a layer. Its heads and those of forks share it.
struct LayerConfig {
  std::size_t number = 0;  ///< In the cache.
  LayerShape shape{};
  std::array<std::shared_ptr<const SideConfig>, kSides.size()> sides{};
  const kernels::KernelTable* kernels = nullptr;
  Rotary rotary{};
  PageKeeping pages{};
  /// Whether a single token reads only chosen pages, for which key ranges are kept.
  bool reads_sparsely = false;
  /// Those whose sealed pages this process keeps.
  StripeSet stripes{};

  const SideConfig& side(KvSide side) const { return *sides[static_cast<std::size_t>(side)]; }
  const SideConfig& keys() const { return side(KvSide::kKeys); }
  const SideConfig& values() const { return side(KvSide::kValues); }
  /// Returns whether queries see all tokens. Eviction policies and sparse reading touch only such layers.
  bool global() const { return shape.window == 0; }
  bool keeps_exact_prefix() const { return keys().lossy() || values().lossy(); }
  /// Returns the first page that tokens after the first `tokens` change: that has a recent form then, or that a window
  /// moves on from.
  std::size_t first_changed(std::size_t tokens) const;
};

/// One KV head of one layer: all that the cache holds of it.
class Head {
 public:
  /// `layer` must outlive it; `number` counts the heads of the layer, `index` those of the cache.
  Head(const LayerConfig& layer, std::size_t number, std::size_t index)
      : layer_(&layer), number_(number), index_(index) {}

  const LayerConfig& layer() const { return *layer_; }
  std::size_t number() const { return number_; }
  /// Returns the index that observers use.
  std::size_t index() const { return index_; }

  SidePages& pages(KvSide side) { return pages_[static_cast<std::size_t>(side)]; }
  const SidePages& pages(KvSide side) const { return pages_[static_cast<std::size_t>(side)]; }
  /// Returns the codec of old pages.
  const Codec& old_codec(KvSide side) const {
    return side == KvSide::kKeys ? *layer_->keys().tiers().at(key_precision) : layer_->values().codec();
  }
  /// Returns whether this process keeps the sealed page of a slot. All keep page 0, whose old form decides the grid of
  /// the others.
  bool keeps(std::size_t slot) const {
    return layer_->stripes.has(slot / kChunkPages % kStripes) || slots.slots[slot].page == 0;
  }
  /// Returns how many tokens are held when `tokens` have been appended; without eviction, all that the window leaves.
  std::size_t held_tokens(std::size_t tokens) const;

  HeadSlots slots;
  /// Empty if no layer of the cache has rotated keys.
  KeyBasis basis;
  /// Of old pages. Decided once, before there are any.
  Precision key_precision = kCodecPrecision;
  /// Empty unless the layer reads sparsely.
  KeyRanges ranges;
  /// Empty unless a policy asks for query statistics, and in layers with a window.
  QuerySums query_sums;

 private:
  const LayerConfig* layer_;
  std::size_t number_;
  std::size_t index_;
  std::array<SidePages, kSides.size()> pages_;
};

}  // namespace pith::kv
