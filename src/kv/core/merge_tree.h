#pragma once

#include <cstddef>

#include "kv/core/softmax_state.h"
#include "kv/layout/layout.h"

namespace pith::kv {

/// Merges the softmax states of a block over its chunks (kChunkPages pages each), handed in in order, along one fixed
/// tree: from left to right within a subtree of kSubtreeChunks chunks, then the subtrees from left to right. So whoever
/// owns whole subtrees, a thread or another machine, can merge them apart from the others, and the result is the same
/// bit for bit as if one had merged everything. Up to one subtree that is a plain merge from left to right.
class MergeTree {
 public:
  /// Sets both states, memory of the caller's, to those over no tokens.
  MergeTree(const kernels::KernelTable& kernels, const SoftmaxRows& subtree, const SoftmaxRows& total);

  /// Adds the next chunk of a subtree. Overwrites chunk.out.
  void add_chunk(const SoftmaxRows& chunk) const { merge(*kernels_, chunk, subtree_); }
  /// Returns the state of the subtree whose chunks have been added since the last one ended.
  const SoftmaxRows& subtree() const { return subtree_; }
  /// Ends the subtree: adds its state to the total.
  void end_subtree() const;
  /// Returns the state over all subtrees that have ended.
  const SoftmaxRows& total() const { return total_; }

 private:
  const kernels::KernelTable* kernels_;
  SoftmaxRows subtree_;
  SoftmaxRows total_;
};

/// Returns whether a subtree of the merge tree ends with chunk `chunk` of `chunks`.
constexpr bool ends_subtree(std::size_t chunk, std::size_t chunks) {
  return (chunk + 1) % kSubtreeChunks == 0 || chunk + 1 == chunks;
}

}  // namespace pith::kv
