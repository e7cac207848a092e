#pragma once

#include <pith/ranks.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "kv/core/cache.h"
#include "kv/core/softmax_state.h"
#include "kv/read/attend_block.h"

namespace pith::kv {

/// Collects what a cache's observers need from the attention of one step in one layer: blocks hand in their scores
/// in any order, and finish() adds them up in block order.
class BatchObservation {
 public:
  /// The observers must outlive the step.
  void begin(Observers& observers, const Layer& layer, std::size_t tokens, std::span<const AttendBlock> blocks);
  /// Returns whether anything is gathered from this step.
  bool on() const { return cells_ != 0; }
  /// Returns whether any observer counts a token of the block.
  bool counts(const AttendBlock& block) const { return on() && counted_[block.number] != 0; }
  /// Returns the size of a block's scores [cells, rows, kPageTokens]; what a row does not see is kUnseen.
  std::size_t scores_size(std::size_t rows) const { return cells_ * rows * kPageTokens; }
  /// Gathers from a block, given the final softmax states of its rows. Overwrites `scores`. One thread per block.
  void gather_block(const LayerConfig& layer, const AttendBlock& block, const SoftmaxRows& rows, float* scores);
  /// Adds what other ranks have gathered: the tokens that a rank did not read have received nothing there.
  void share(Ranks& ranks, std::uint64_t topic);
  /// `again`: this pass has called it for the layer before.
  void finish(const Layer& layer, std::span<const AttendBlock> blocks, bool again);

 private:
  /// Returns the size of what a block gathers for one observer.
  std::size_t part_size() const { return cells_ * kPageTokens; }
  /// Returns what a block gathers: [observers, cells * kPageTokens].
  std::span<double> parts(const AttendBlock& block);

  Observers* observers_ = nullptr;
  std::size_t cells_ = 0;              ///< Of the current layer; 0: nothing is observed.
  std::vector<std::uint8_t> counted_;  ///< [blocks]
  std::vector<double> gathered_;       ///< [blocks, observers, cells * kPageTokens]
};

}  // namespace pith::kv
