#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "kernels/table.h"
#include "kv/core/borrowed.h"
#include "kv/core/cache_options.h"
#include "kv/core/holes.h"
#include "kv/core/layer.h"
#include "kv/core/observer.h"
#include "kv/core/states.h"

namespace pith::kv {

/// Bytes by what they are for.
struct CacheBytes {
  std::size_t sealed = 0;   ///< Sealed pages.
  std::size_t exact = 0;    ///< Open pages and exact prefixes.
  std::size_t summary = 0;  ///< What sparse reading keeps about pages.
  std::size_t states = 0;   ///< Of recurrent layers.

  std::size_t total() const { return sealed + exact + summary + states; }
};

/// The KV cache of one sequence: keys and values in the bytes of their codecs, sealed page by page, and the states of
/// recurrent layers, with everything it holds counted. It knows nothing of tokens, models or scheduling. A query sees
/// its own page exactly, the pages before it in the recent codec, and all earlier ones in the codec itself. The form
/// depends on positions alone, so results do not depend on how a prompt is split into batches (docs/adr). Used by one
/// thread at a time; work is spread over the given pool.
class Cache {
 public:
  /// Throws Error(kUnsupported) for an unknown codec, kInvalidArgument for a shape that it cannot hold.
  Cache(const CacheOptions& options, const kernels::KernelTable& kernels);
  /// Forks: the copy shares all pages, copy-on-write.
  Cache(const Cache&) = default;
  Cache& operator=(const Cache&) = delete;
  Cache(Cache&&) = default;
  Cache& operator=(Cache&&) = default;
  ~Cache() = default;

  const CacheOptions& options() const { return *options_; }
  const kernels::KernelTable& kernels() const { return *kernels_; }
  std::span<Layer> layers() { return layers_; }
  std::span<const Layer> layers() const { return layers_; }
  Layer& layer(std::size_t number) { return layers_[number]; }
  const Layer& layer(std::size_t number) const { return layers_[number]; }
  /// Returns all KV heads, ordered by layer.
  std::vector<Head*> heads();
  std::vector<const Head*> heads() const;
  /// Returns those of the global layers.
  std::vector<Head*> global_heads();
  std::vector<const Head*> global_heads() const;
  bool any_keys_rotated() const;
  bool any_keys_read_split_queries() const;

  /// The states of recurrent layers after tokens() tokens.
  States& states() { return states_; }
  const States& states() const { return states_; }

  /// Tokens appended so far, which is the position of the next one.
  std::size_t tokens() const { return tokens_; }
  void set_tokens(std::size_t tokens) { tokens_ = tokens; }
  /// Where tokens were taken out. tokens() counts them on.
  const Holes& holes() const { return holes_; }
  void set_holes(Holes holes) { holes_ = std::move(holes); }
  /// What queries see of other caches, in order.
  const std::vector<Borrowed>& borrowed() const { return borrowed_; }
  /// Has queries from now on see another cache of the same model and codecs before the next token. Its own and the
  /// other's tokens() stay what they are; tokens() must be a multiple of kPageTokens. The other must borrow nothing
  /// itself.
  void borrow(std::shared_ptr<const Cache> other) { borrowed_.push_back({std::move(other), tokens_}); }
  /// Returns how many tokens queries see: without holes, with what is borrowed.
  std::size_t length() const;
  /// Drops all tokens and frees their memory.
  void clear();
  /// Returns a cache without tokens of the same options, that gathers for the same needs.
  Cache emptied() const;
  /// Returns the bytes of open pages and states. This and the next two allocate nothing.
  std::size_t open_bytes() const noexcept;

  Observers& observers() { return observers_; }
  const Observers& observers() const { return observers_; }
  /// Starts to gather for needs that were not known when the cache was made. Call it while the cache is empty.
  void observe(const PolicyNeeds& needs);
  /// Returns a fork that gathers for these needs alone.
  Cache observing(const PolicyNeeds& needs) const;
  bool keeps_query_sums() const { return query_sums_; }
  /// Returns what is left of the share for promotions, in bytes of one page of every head.
  double promotion_bytes() const { return promotion_bytes_; }
  void set_promotion_bytes(double bytes) { promotion_bytes_ = bytes; }

  CacheBytes bytes() const;
  /// Predicts bytes() for `tokens` tokens, assuming that promotions use their whole share: which heads are promoted
  /// depends on the text. Heads that would be unusable otherwise (Tiers::choose()) come on top.
  CacheBytes bytes_at(std::size_t tokens) const;
  /// Returns the bytes of what leads to pages and says how to read them: tables, slots, bases of keys. The others do
  /// not count them.
  std::size_t table_bytes() const noexcept;
  /// Returns the bytes of what is gathered for policies.
  std::size_t observed_bytes() const noexcept;

 private:
  void reset_heads();
  /// Returns the bytes that promotions may add, counting one page of every head.
  double promotion_budget() const;

  std::shared_ptr<const CacheOptions> options_;
  const kernels::KernelTable* kernels_;
  std::vector<Layer> layers_;
  Observers observers_;
  bool query_sums_ = false;
  double promotion_bytes_ = 0.0;
  Holes holes_;
  std::vector<Borrowed> borrowed_;
  States states_;
  std::size_t tokens_ = 0;
};

/// Adds to `into` what the only observer of a fork (Cache::observing()) gathered about the tokens that the cache held
/// when it was forked.
void take_from_fork(Observer& into, const Cache& cache, const Cache& fork);

/// Returns all bytes of one side of a layer.
std::size_t bytes_of(const Layer& layer, KvSide side);

}  // namespace pith::kv
