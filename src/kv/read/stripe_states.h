#pragma once

#include <pith/ranks.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "kv/core/merge_tree.h"
#include "kv/core/softmax_state.h"

namespace pith::kv {

/// The softmax states of the blocks of a pass by stripe of the merge tree, each computed by the rank that keeps the
/// stripe: what ranks tell each other, one message a layer. A block's states are [stripes][references, sums, out].
class StripeStates {
 public:
  /// Begins a layer, in which values have `size` elements.
  void begin(const Ranks& ranks, std::size_t size);
  /// Adds the next block, whose rows read so many chunks.
  void add(std::size_t rows, std::size_t chunks);
  /// Sets what this rank has computed of a block, one of the stripes that it keeps. Several threads may do so at once.
  void put(std::size_t block, std::size_t stripe, const SoftmaxRows& state);
  /// Tells all ranks. Throws Error(kIntegrity) if one says more or less than this pass asks for.
  void exchange(Ranks& ranks, std::uint64_t topic);
  /// Merges all stripes of a block into `total`, which it resets, by way of `part`.
  void merge_block(const kernels::KernelTable& kernels, std::size_t block, const SoftmaxRows& part,
                   const SoftmaxRows& total) const;

  std::size_t bytes() const { return mine_.capacity() * sizeof(float); }

 private:
  struct Block {
    std::size_t rows, chunks;
  };
  /// Floats of one state.
  std::size_t state_size(const Block& block) const { return block.rows * (size_ + 2); }
  /// Returns where a block's states begin in what a rank says, in floats; with the number of blocks: where it ends.
  std::size_t begin_of(std::size_t rank, std::size_t block) const { return begins_[block * ranks_ + rank]; }

  std::size_t size_ = 0;
  std::size_t rank_ = 0;
  std::size_t ranks_ = 1;
  std::vector<Block> blocks_;
  std::vector<std::size_t> begins_;  ///< [blocks + 1, ranks]
  std::vector<float> mine_;
  std::span<const std::span<const std::byte>> said_;
};

}  // namespace pith::kv
