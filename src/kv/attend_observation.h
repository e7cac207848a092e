#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "kv/attend_batch.h"
#include "kv/cache.h"
#include "kv/softmax_state.h"

namespace pith::kv {

/// What the cache's observers gather of one layer's attention of one batch: blocks hand in their scores, in any order,
/// and the layer's observers take them in at the end.
class BatchObservation {
 public:
  void begin(const Cache& cache, std::size_t layer, const AttendBatch& batch, std::span<const AttendBlock> blocks);
  /// Whether anything is gathered of any block.
  bool on() const { return cells_ != 0; }
  /// Whether any observer counts a token of the block.
  bool counts(const AttendBlock& block) const { return on() && counted_[block.number] != 0; }
  /// Of a block's scores [cells, rows, kPageTokens]; what no row sees is kUnseen.
  std::size_t scores_size(std::size_t rows) const { return cells_ * rows * kPageTokens; }
  /// Given the final states of the block's rows. Scores are written over. One thread a block.
  void gather_block(const Cache& cache, const AttendBlock& block, const SoftmaxRows& rows, float* scores);
  void finish(Cache& cache, std::size_t layer, std::span<const AttendBlock> blocks) const;

 private:
  std::size_t cells_ = 0;              ///< Of the layer at hand; 0: nothing is observed.
  std::vector<std::uint8_t> counted_;  ///< [blocks]
  std::vector<double> gathered_;       ///< [blocks, observers, cells * kPageTokens]
};

}  // namespace pith::kv
