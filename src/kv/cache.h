#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/buffer.h"
#include "base/thread_pool.h"
#include "kv/codec.h"
#include "kv/codec/float_codec.h"
#include "kv/hadamard.h"
#include "kv/key_basis.h"
#include "kv/key_ranges.h"
#include "kv/layout.h"
#include "kv/observer.h"
#include "kv/query_sums.h"
#include "kv/rotary.h"
#include "kv/sealed_page.h"
#include "kv/slots.h"

namespace pith::kv {

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

/// How the keys or the values of one layer are stored.
class SideConfig {
 public:
  /// Layers with a sliding window (0: none) keep fewer recent pages than the codec's tiers say.
  SideConfig(std::string_view codec, const CodecShape& shape, const kernels::KernelTable& kernels,
             const CodecRegistry* registry, std::size_t window);

  const std::string& name() const { return name_; }
  std::size_t size() const { return tiers_.codec->shape().size; }
  /// The format of open pages and of the exact prefix.
  const FloatCodec& exact() const { return exact_; }
  const Codec& codec() const { return *tiers_.codec; }
  /// Returns null if there are no recent pages.
  const Codec* recent() const { return tiers_.recent.get(); }
  std::size_t recent_pages() const { return tiers_.recent_pages; }
  /// Returns null if the codec does not want rotation.
  const HadamardRotation* rotation() const { return tiers_.codec->wants_rotation() ? &rotation_ : nullptr; }
  const Tiers& tiers() const { return tiers_; }
  bool lossy() const { return !tiers_.codec->exact(); }
  bool reads_split_queries() const;
  /// Returns how many pages are old to the next query when `tokens` tokens have been appended.
  std::size_t old_pages(std::size_t tokens) const;
  /// Returns the bytes of the sealed pages of one KV head after `tokens` tokens, without those before `first_visible`.
  std::size_t sealed_bytes(std::size_t tokens, std::size_t first_visible) const;

 private:
  std::string name_;
  Tiers tiers_;
  FloatCodec exact_;
  HadamardRotation rotation_;
};

/// Names of the codecs of one layer.
struct LayerCodecs {
  std::string key, value;
};

/// How many of its pages a KV head of a layer without a window reads for the queries of a single token.
struct SparseReading {
  double share = 1.0;
  /// Lower bound of the pages read.
  std::size_t pages_min = 0;

  bool on() const { return share < 1.0; }
  /// Returns how many of `held` pages are read.
  std::size_t pages(std::size_t held) const {
    return std::max(pages_min, static_cast<std::size_t>(share * static_cast<double>(held)));
  }
};

/// The KV cache of one sequence: keys and values in the bytes of their codecs, sealed page by page, with everything it
/// holds counted. It knows nothing of tokens, models or scheduling. A query sees its own page exactly, the pages before
/// it in the recent codec, and all earlier ones in the codec itself. The form depends on positions alone, so results do
/// not depend on how a prompt is split into batches (docs/adr). Used by one thread at a time; work is spread over the
/// given pool.
class Cache {
 public:
  /// Takes one pair of codecs per layer. Throws Error(kUnsupported) for an unknown codec, kInvalidArgument for a shape
  /// that it cannot hold.
  Cache(KvShape shape, const std::vector<LayerCodecs>& codecs, const kernels::KernelTable& kernels,
        const CodecRegistry* registry = nullptr);
  /// Forks: the copy shares all pages, copy-on-write.
  Cache(const Cache&) = default;
  Cache& operator=(const Cache&) = delete;
  Cache(Cache&&) = default;
  Cache& operator=(Cache&&) = default;
  ~Cache() = default;
  /// Uses the same codecs in every layer.
  Cache(const KvShape& shape, const std::string& key_codec, const std::string& value_codec,
        const kernels::KernelTable& kernels, const CodecRegistry* registry = nullptr);

  const KvShape& shape() const { return shape_; }
  const SideConfig& keys(std::size_t layer) const { return *sides_[layer]; }
  const SideConfig& values(std::size_t layer) const { return *sides_[shape_.layers() + layer]; }
  const SideConfig& side(KvSide side, std::size_t layer) const {
    return side == KvSide::kKeys ? keys(layer) : values(layer);
  }
  bool any_keys_rotated() const;
  bool any_keys_read_split_queries() const;
  /// Tokens appended so far, which is the position of the next one.
  std::size_t tokens() const { return tokens_; }
  /// Returns how many of them a KV head of this layer holds; without eviction, all that its window leaves.
  std::size_t held_tokens(std::size_t layer, std::size_t kv_head) const;
  /// Returns the bytes of what is gathered for policies.
  std::size_t observed_bytes() const { return observers_.bytes() + query_sums_.bytes(); }
  /// Returns whether rewind() to `tokens` is possible: whether all of these tokens that can be seen are held as they
  /// were before later tokens came.
  bool can_rewind(std::size_t tokens) const;
  /// Drops all tokens from `tokens` on, a multiple of kPageTokens.
  void rewind(std::size_t tokens);
  /// Drops open tokens: all from `tokens` on, which lies in the open page or at its start.
  void forget_open(std::size_t tokens);

  std::size_t sealed_bytes() const;
  std::size_t exact_bytes() const;
  /// Returns the bytes of what sparse reading keeps about pages.
  std::size_t summary_bytes() const;
  /// Returns all bytes of one side of one layer.
  std::size_t bytes(KvSide side, std::size_t layer) const;
  /// Returns the bytes of what leads to pages and says how to read them: tables, slots, bases of keys. The others do
  /// not count them.
  std::size_t table_bytes() const;
  /// Predict the three for `tokens` tokens, assuming that promotions use their whole share: which heads are promoted
  /// depends on the text. Heads that would be unusable otherwise (promote()) come on top.
  std::size_t sealed_bytes_at(std::size_t tokens) const;
  std::size_t exact_bytes_at(std::size_t tokens) const;
  std::size_t summary_bytes_at(std::size_t tokens) const;

  /// Drops all tokens and frees their memory.
  void clear();

  // Parts of the cache, for the operations of this room, for snapshots, and for the session's eviction.
  SidePages& pages(KvSide side, std::size_t layer, std::size_t kv_head) {
    return pages_[(static_cast<std::size_t>(side) * shape_.layers() + layer) * shape_.kv_heads + kv_head];
  }
  const SidePages& pages(KvSide side, std::size_t layer, std::size_t kv_head) const {
    return pages_[(static_cast<std::size_t>(side) * shape_.layers() + layer) * shape_.kv_heads + kv_head];
  }
  HeadSlots& slots(std::size_t layer, std::size_t kv_head) { return slots_[layer * shape_.kv_heads + kv_head]; }
  const HeadSlots& slots(std::size_t layer, std::size_t kv_head) const {
    return slots_[layer * shape_.kv_heads + kv_head];
  }
  Observers& observers() { return observers_; }
  const Observers& observers() const { return observers_; }
  QuerySums& query_sums() { return query_sums_; }
  const QuerySums& query_sums() const { return query_sums_; }
  /// RoPE of the layers without a window. While it is empty there are no query statistics and no shifts.
  const Rotary& rotary() const { return rotary_; }
  /// Queries at positions from `trained` on see tokens at their distance among those held (shifts.h).
  std::size_t trained() const { return trained_; }
  void set_rotary(Rotary rotary, std::size_t trained) {
    rotary_ = std::move(rotary);
    trained_ = trained;
  }
  /// Seals pages with a checksum (integrity.h). Call it while the cache is empty.
  void keep_checksums() { checksums_ = true; }
  bool keeps_checksums() const { return checksums_; }
  /// Makes the cache keep key ranges, which pages are chosen by. Call it while the cache is empty.
  void enable_sparse(const SparseReading& sparse);
  const SparseReading& sparse() const { return sparse_; }
  bool reads_sparsely(std::size_t layer) const { return sparse_.on() && shape_.windows[layer] == 0; }
  /// Only for layers where reads_sparsely().
  KeyRanges& key_ranges(std::size_t layer, std::size_t kv_head) {
    return key_ranges_[layer * shape_.kv_heads + kv_head];
  }
  const KeyRanges& key_ranges(std::size_t layer, std::size_t kv_head) const {
    return key_ranges_[layer * shape_.kv_heads + kv_head];
  }
  /// Only where the keys' codec wants rotation.
  KeyBasis& key_basis(std::size_t layer, std::size_t kv_head) { return key_bases_[layer * shape_.kv_heads + kv_head]; }
  const KeyBasis& key_basis(std::size_t layer, std::size_t kv_head) const {
    return key_bases_[layer * shape_.kv_heads + kv_head];
  }
  /// Returns the codec of a head's old pages.
  const Codec& old_codec(KvSide side, std::size_t layer, std::size_t kv_head) const {
    const Codec* promoted = side == KvSide::kKeys ? promoted_[layer * shape_.kv_heads + kv_head] : nullptr;
    return promoted != nullptr ? *promoted : this->side(side, layer).codec();
  }
  /// Chooses a finer codec for a head's keys if its score noise asks for it and the share for promotions lasts. Heads
  /// that would be unusable otherwise stay in the recent codec regardless of the share. Called once per head, layer by
  /// layer, before any of its pages is old.
  void promote(std::size_t layer, std::size_t kv_head, float noise);
  /// What promote() decided. 0: no promotion; 1: the recent codec; 2 + i: Tiers::promotions[i].
  std::size_t promotion(std::size_t layer, std::size_t kv_head) const;
  /// Returns what is left of the share for promotions.
  double promotion_bytes() const { return promotion_bytes_; }
  /// Sets what promotion() returns. Returns false if there is no such codec.
  bool restore_promotion(std::size_t layer, std::size_t kv_head, std::size_t promotion);
  void restore_promotion_bytes(double bytes) { promotion_bytes_ = bytes; }
  bool keeps_exact_prefix(std::size_t layer) const { return keys(layer).lossy() || values(layer).lossy(); }
  const kernels::KernelTable& kernels() const { return *kernels_; }
  void set_tokens(std::size_t tokens) { tokens_ = tokens; }

 private:
  void reset_heads();
  /// Returns the bytes that promotions may add, counting one page of every head.
  double promotion_budget() const;

  KvShape shape_;
  const kernels::KernelTable* kernels_;
  /// [sides, layers]; layers with the same codec and window share one.
  std::vector<std::shared_ptr<const SideConfig>> sides_;
  std::vector<SidePages> pages_;        ///< [sides, layers, kv_heads]
  std::vector<HeadSlots> slots_;        ///< [layers, kv_heads]
  std::vector<KeyBasis> key_bases_;     ///< [layers, kv_heads]; empty if no keys are rotated
  std::vector<const Codec*> promoted_;  ///< [layers, kv_heads]; null: not promoted
  double promotion_bytes_ = 0.0;        ///< What is left for promotions, counting one page of every head
  SparseReading sparse_;
  std::vector<KeyRanges> key_ranges_;  ///< [layers, kv_heads]; empty without sparse reading
  Observers observers_;
  QuerySums query_sums_;
  Rotary rotary_;
  std::size_t trained_ = std::numeric_limits<std::size_t>::max();
  std::size_t tokens_ = 0;
  bool checksums_ = false;
};

inline constexpr std::array kSides = {KvSide::kKeys, KvSide::kValues};

}  // namespace pith::kv
