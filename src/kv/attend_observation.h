#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "kv/attend_batch.h"
#include "kv/cache.h"
#include "kv/softmax_state.h"

namespace pith::kv {

/// Collects what the cache's observers need from the attention of one batch in one layer: blocks hand in their scores
/// in any order, and finish() adds them up in block order.
class BatchObservation {
 public:
  void begin(const Cache& cache, std::size_t layer, const AttendBatch& batch, std::span<const AttendBlock> blocks);
  /// Returns whether anything is gathered from this batch.
  bool on() const { return cells_ != 0; }
  /// Returns whether any observer counts a token of the block.
  bool counts(const AttendBlock& block) const { return on() && counted_[block.number] != 0; }
  /// Returns the size of a block's scores [cells, rows, kPageTokens]; what a row does not see is kUnseen.
  std::size_t scores_size(std::size_t rows) const { return cells_ * rows * kPageTokens; }
  /// Gathers from a block, given the final softmax states of its rows. Overwrites `scores`. One thread per block.
  void gather_block(const Cache& cache, const AttendBlock& block, const SoftmaxRows& rows, float* scores);
  void finish(Cache& cache, std::size_t layer, std::span<const AttendBlock> blocks) const;

 private:
  std::size_t cells_ = 0;              ///< Of the current layer; 0: nothing is observed.
  std::vector<std::uint8_t> counted_;  ///< [blocks]
  std::vector<double> gathered_;       ///< [blocks, observers, cells * kPageTokens]
};

}  // namespace pith::kv
