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

/// A full page of one side of one KV head: in the recent codec while a query may still see it as recent, in the codec
/// itself from when the first query sees it as old. Both for the length of a batch only; none once no query sees it.
struct Page {
  SealedPage recent;
  SealedPage old;
  /// Of packed pages, which are old ones.
  std::shared_ptr<const std::vector<Origin>> origins{};
};

/// The pages of one side of one KV head of one layer.
struct SidePages {
  std::vector<Page> pages;  ///< By slot (HeadSlots).
  /// Exact first tokens; null where nothing is lossy or once no query can see them.
  SealedPage exact_prefix;
  /// The newest, unfinished page; null where there is none. Shared with forks until one of them writes.
  std::shared_ptr<RawBuffer> open;
  /// The grid that pages of the old codec are on; empty before the first.
  std::vector<std::byte> grid;
  /// Whether the first of them has been sealed: from then on `grid` is only read, by several threads at once.
  bool grid_decided = false;
};

/// How the keys or the values of a cache are kept.
class SideConfig {
 public:
  /// Layers that see only a window (0: all tokens) have fewer recent pages than the codec's tiers say.
  SideConfig(std::string_view codec, const CodecShape& shape, const kernels::KernelTable& kernels,
             const CodecRegistry* registry, std::size_t window);

  const std::string& name() const { return name_; }
  std::size_t size() const { return tiers_.codec->shape().size; }
  /// How open pages and sinks are held.
  const FloatCodec& exact() const { return exact_; }
  const Codec& codec() const { return *tiers_.codec; }
  /// Null if there are no recent pages.
  const Codec* recent() const { return tiers_.recent.get(); }
  std::size_t recent_pages() const { return tiers_.recent_pages; }
  /// Null if the codec is not rotated.
  const HadamardRotation* rotation() const { return tiers_.codec->wants_rotation() ? &rotation_ : nullptr; }
  const Tiers& tiers() const { return tiers_; }
  bool lossy() const { return !tiers_.codec->exact(); }
  bool reads_split_queries() const;
  /// Of tokens held: how many pages are old to the next query.
  std::size_t old_pages(std::size_t tokens) const;
  /// Bytes of the sealed pages of one KV head of `tokens` tokens; those before `first_visible` are dropped.
  std::size_t sealed_bytes(std::size_t tokens, std::size_t first_visible) const;

 private:
  std::string name_;
  Tiers tiers_;
  FloatCodec exact_;
  HadamardRotation rotation_;
};

/// Codecs of one layer, by name.
struct LayerCodecs {
  std::string key, value;
};

/// How many of its pages a KV head of a layer without a window reads for the queries of a single token.
struct SparseReading {
  double share = 1.0;
  /// Never fewer.
  std::size_t pages_min = 0;

  bool on() const { return share < 1.0; }
  /// Of so many.
  std::size_t pages(std::size_t held) const {
    return std::max(pages_min, static_cast<std::size_t>(share * static_cast<double>(held)));
  }
};

/// The KV cache of one sequence. Goals: keys and values stay in the codecs' bytes, sealed page by page; what is held is
/// counted. Non-goals: tokens, models, scheduling. A query sees its own page exactly, the pages before it in the recent
/// codec and all earlier ones in the codec itself: by position alone, so results do not depend on how a prompt is cut
/// into batches (docs/adr). Used by one thread at a time; work is spread over the given pool.
class Cache {
 public:
  /// Throws Error(kUnsupported) for an unknown codec, kInvalidArgument for a shape it cannot hold. One pair of codecs a
  /// layer.
  Cache(KvShape shape, const std::vector<LayerCodecs>& codecs, const kernels::KernelTable& kernels,
        const CodecRegistry* registry = nullptr);
  /// A fork: shares all pages, which are copied where either writes to them.
  Cache(const Cache&) = default;
  Cache& operator=(const Cache&) = delete;
  Cache(Cache&&) = default;
  Cache& operator=(Cache&&) = default;
  ~Cache() = default;
  /// The same codecs in every layer.
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
  /// Tokens that went in: the position of the next one.
  std::size_t tokens() const { return tokens_; }
  /// Of them, how many a KV head of this layer holds; without eviction all that a window leaves.
  std::size_t held_tokens(std::size_t layer, std::size_t kv_head) const;
  /// What policies gather, in bytes.
  std::size_t observed_bytes() const { return observers_.bytes() + query_sums_.bytes(); }
  /// Whether the first `tokens` tokens, as far as they can be seen, are held as they were when no more had come.
  bool can_rewind(std::size_t tokens) const;
  /// Forgets all but these; and forget_open() all but `tokens`, the first of them those of sealed pages.
  void rewind(std::size_t tokens);
  void forget_open(std::size_t tokens);

  std::size_t sealed_bytes() const;
  std::size_t exact_bytes() const;
  /// What sparse reading keeps about pages.
  std::size_t summary_bytes() const;
  /// Of one side of one layer, all of it.
  std::size_t bytes(KvSide side, std::size_t layer) const;
  /// What they will be when so many tokens are held and promotions take their share; the text decides which heads do.
  /// Heads that would be unusable otherwise (promote()) come on top.
  std::size_t sealed_bytes_at(std::size_t tokens) const;
  std::size_t exact_bytes_at(std::size_t tokens) const;
  std::size_t summary_bytes_at(std::size_t tokens) const;

  /// Forgets all tokens and returns the memory.
  void clear();

  // For kv/append.cpp and kv/attend.cpp.
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
  /// Of layers without a window. Empty until it is set: then there are no query statistics and no shifts.
  const Rotary& rotary() const { return rotary_; }
  /// Queries at positions from `trained` on see tokens at the distance that they have among those held (shifts.h).
  std::size_t trained() const { return trained_; }
  void set_rotary(Rotary rotary, std::size_t trained) {
    rotary_ = std::move(rotary);
    trained_ = trained;
  }
  /// Before anything is in: pages are sealed with a checksum (integrity.h).
  void keep_checksums() { checksums_ = true; }
  bool keeps_checksums() const { return checksums_; }
  /// Before anything is in: keeps what it takes to choose pages. Without it nothing is kept.
  void enable_sparse(const SparseReading& sparse);
  const SparseReading& sparse() const { return sparse_; }
  bool reads_sparsely(std::size_t layer) const { return sparse_.on() && shape_.windows[layer] == 0; }
  /// Only where reads_sparsely().
  KeyRanges& key_ranges(std::size_t layer, std::size_t kv_head) {
    return key_ranges_[layer * shape_.kv_heads + kv_head];
  }
  const KeyRanges& key_ranges(std::size_t layer, std::size_t kv_head) const {
    return key_ranges_[layer * shape_.kv_heads + kv_head];
  }
  /// Only where the keys' codec is rotated.
  KeyBasis& key_basis(std::size_t layer, std::size_t kv_head) { return key_bases_[layer * shape_.kv_heads + kv_head]; }
  const KeyBasis& key_basis(std::size_t layer, std::size_t kv_head) const {
    return key_bases_[layer * shape_.kv_heads + kv_head];
  }
  /// What old pages of a head are sealed in.
  const Codec& old_codec(KvSide side, std::size_t layer, std::size_t kv_head) const {
    const Codec* promoted = side == KvSide::kKeys ? promoted_[layer * shape_.kv_heads + kv_head] : nullptr;
    return promoted != nullptr ? *promoted : this->side(side, layer).codec();
  }
  /// Gives a head's keys the codec that its score noise asks for, as long as the share for promotions lasts; heads that
  /// would be unusable stay in the recent codec in any case. Called once a head, layer by layer, before anything of it
  /// is old.
  void promote(std::size_t layer, std::size_t kv_head, float noise);
  /// What promote() decided: 0: nothing, 1: the recent codec, 2 + i: Tiers::promotions[i]; and what is left of the
  /// share.
  std::size_t promotion(std::size_t layer, std::size_t kv_head) const;
  double promotion_bytes() const { return promotion_bytes_; }
  /// The same again. False if there is no such codec.
  bool restore_promotion(std::size_t layer, std::size_t kv_head, std::size_t promotion);
  void restore_promotion_bytes(double bytes) { promotion_bytes_ = bytes; }
  bool keeps_exact_prefix(std::size_t layer) const { return keys(layer).lossy() || values(layer).lossy(); }
  const kernels::KernelTable& kernels() const { return *kernels_; }
  void set_tokens(std::size_t tokens) { tokens_ = tokens; }

 private:
  void reset_heads();
  /// Of a page of every head: what promotions may add.
  double promotion_budget() const;

  KvShape shape_;
  const kernels::KernelTable* kernels_;
  /// [sides, layers]; layers of the same codec share theirs.
  std::vector<std::shared_ptr<const SideConfig>> sides_;
  std::vector<SidePages> pages_;        ///< [sides, layers, kv_heads]
  std::vector<HeadSlots> slots_;        ///< [layers, kv_heads]
  std::vector<KeyBasis> key_bases_;     ///< [layers, kv_heads]; empty where keys are not rotated
  std::vector<const Codec*> promoted_;  ///< [layers, kv_heads]; null: not promoted
  double promotion_bytes_ = 0.0;        ///< Of a page of every head: what is left for promotions.
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
