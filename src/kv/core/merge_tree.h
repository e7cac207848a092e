#pragma once

#include <cstddef>

#include "kv/core/softmax_state.h"
#include "kv/layout/layout.h"

namespace pith::kv {

/// Some stripes of the merge tree: `first`, `first + step` and so on.
struct StripeSet {
  std::size_t first = 0;
  std::size_t step = 1;

  bool has(std::size_t stripe) const { return stripe % step == first; }
  /// Returns how many stripes it has of a tree over so many chunks.
  std::size_t count(std::size_t chunks) const {
    const std::size_t stripes = chunks < kStripes ? chunks : kStripes;
    return first < stripes ? (stripes - first - 1) / step + 1 : 0;
  }
};

/// Calls chunk(c) for the chunks [0, chunks) of some stripes, stripe by stripe, and end(stripe) after the last one of
/// each: the order in which MergeTree takes them.
template <typename OnChunk, typename OnEnd>
void for_stripes(const StripeSet& stripes, std::size_t chunks, const OnChunk& chunk, const OnEnd& end) {
  for (std::size_t stripe = stripes.first; stripe < kStripes && stripe < chunks; stripe += stripes.step) {
    for (std::size_t c = stripe; c < chunks; c += kStripes) chunk(c);
    end(stripe);
  }
}

/// Merges the softmax states of a block over its chunks (kChunkPages pages each), handed in in the order of
/// for_stripes(), along one fixed tree: from left to right within a stripe, then the stripes from left to right. So
/// whoever owns whole stripes, a thread or another machine, can merge them apart from the others, and the result is the
/// same bit for bit as if one had merged everything; and what machines tell each other stays the same however long the
/// context is. Up to kStripes chunks that is a plain merge from left to right.
class MergeTree {
 public:
  /// Sets both states, memory of the caller's, to those over no tokens.
  MergeTree(const kernels::KernelTable& kernels, const SoftmaxRows& stripe, const SoftmaxRows& total);

  /// Adds the next chunk of a stripe. Overwrites chunk.out.
  void add_chunk(const SoftmaxRows& chunk) const { merge(*kernels_, chunk, stripe_); }
  /// Returns the state of the stripe whose chunks have been added since the last one ended.
  const SoftmaxRows& stripe() const { return stripe_; }
  /// Ends the stripe: adds its state to the total.
  void end_stripe() const;
  /// Returns the state over all stripes that have ended.
  const SoftmaxRows& total() const { return total_; }

 private:
  const kernels::KernelTable* kernels_;
  SoftmaxRows stripe_;
  SoftmaxRows total_;
};

}  // namespace pith::kv
