#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "kv/core/cache.h"

namespace pith::kv {

/// What a cache was when it held fewer tokens (docs/adr/0017-checkpoints.md). Shares its pages with the cache that it
/// is of: what it takes by itself is what the cache has dropped or encoded anew since. Immutable.
class Checkpoint {
 public:
  /// Of a cache that only tokens were appended to: keeps those forms of pages alone that later tokens replace or drop.
  /// `tokens` is at least a page: all that the cache holds, or fewer where can_rewind() says that it still holds those.
  static Checkpoint of_tail(const Cache& cache, std::size_t tokens);
  /// Of any cache, with what eviction and policies left of it.
  static Checkpoint of_all(const Cache& cache);

  std::size_t tokens() const { return tokens_; }
  /// Returns whether the cache still has what restore() needs of it, whatever a failure left of the rest: one of
  /// of_tail() needs all earlier pages.
  bool restorable(const Cache& cache) const;
  /// Makes the cache what it was. It must be the one that the checkpoint is of, or a fork, and restorable; one that has
  /// evicted since needs a checkpoint of_all() or completed().
  void restore(Cache& cache) const;
  /// Returns one that needs nothing of the cache, by what the cache holds now.
  Checkpoint completed(const Cache& cache) const;

 private:
  friend std::size_t bytes_beyond(const Cache& cache, std::span<const Checkpoint* const> checkpoints);

  /// What one side of a head has from page `first_page` on.
  struct Side {
    std::vector<Page> pages;
    SealedPage exact_prefix;
    std::shared_ptr<RawBuffer> open;
  };
  struct Tail {
    std::size_t first_page = 0;
    std::array<Side, kSides.size()> sides;
  };

  Checkpoint() = default;

  std::size_t tokens_ = 0;
  std::vector<Tail> tails_;           ///< [heads]; empty if `all_` is there.
  States states_;                     ///< Likewise.
  std::shared_ptr<const Cache> all_;  ///< Null for one of of_tail().
};

/// Returns the bytes of these checkpoints that `cache` does not hold as well, each block of memory counted once.
std::size_t bytes_beyond(const Cache& cache, std::span<const Checkpoint* const> checkpoints);

}  // namespace pith::kv
