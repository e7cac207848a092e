#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kv/read/attend_block.h"
#include "kv/read/attend_observation.h"
#include "kv/read/page_choice.h"
#include "kv/read/shifts.h"
#include "kv/write/staging.h"

namespace pith::kv {

/// What a step reads of a borrowed cache in the current layer: all of it, in chunks of its own.
struct BorrowedReading {
  const Cache* cache = nullptr;
  std::size_t first_chunk = 0;  ///< Among those of all borrowed caches.
  std::size_t chunks = 0;
  Shifts shifts{};
};

/// The slots that a block reads before its own page, which is part of the last chunk. Chunks of borrowed pages come
/// before all others.
struct BlockReading {
  std::size_t count = 0;
  const std::uint32_t* slots = nullptr;  ///< Null: all of them.
  std::size_t borrowed_chunks = 0;

  std::size_t chunks() const { return borrowed_chunks + count / kChunkPages + 1; }
  std::size_t operator[](std::size_t i) const { return slots != nullptr ? slots[i] : i; }
};

/// What attention of one step reads in the current layer.
class StepReading {
 public:
  /// Begins a layer of a step, whose tokens have been appended. All must outlive the reading of that layer.
  void begin(const Step& step, const Layer& layer, const StagedPages& staged);
  /// Decides what a block reads, given its scaled queries [tokens * group, key_size]. One thread per block.
  void choose(const AttendBlock& block, const float* queries);
  /// Adds what other ranks have observed to what this one has. They have read other chunks of the same blocks.
  void share_observation(Ranks& ranks, std::size_t layer);
  /// Adds what was observed to the cache's observers.
  void finish(bool again);

  const Step& step() const { return *step_; }
  const Layer& layer() const { return *layer_; }
  const Head& head(const AttendBlock& block) const { return layer_->head(block.kv_head); }
  const StagedPages& staged() const { return *staged_; }
  const std::vector<AttendBlock>& blocks() const { return blocks_; }
  const BlockReading& of(const AttendBlock& block) const { return readings_[block.number]; }
  /// Returns what the chunk, one of the borrowed ones, is part of.
  const BorrowedReading& borrowed(std::size_t chunk) const;
  /// Returns whether blocks choose among the slots.
  bool chooses() const { return step_->sparse && layer_->config().reads_sparsely; }
  /// Returns by how many positions a block's queries move towards a cell (LayerShifts).
  std::ptrdiff_t shift(const AttendBlock& block, std::size_t cell) const {
    return shifts_.of(block.kv_head, cell, block.position / kBlockTokens * kBlockTokens);
  }
  BatchObservation& observation() { return observation_; }
  const BatchObservation& observation() const { return observation_; }

 private:
  void list_borrowed();

  const Step* step_ = nullptr;
  const Layer* layer_ = nullptr;
  const StagedPages* staged_ = nullptr;
  std::vector<AttendBlock> blocks_;
  std::vector<BlockReading> readings_;  ///< [blocks]
  std::vector<PageChoice> choices_;     ///< [blocks]; grows while blocks choose.
  LayerShifts shifts_;
  std::vector<BorrowedReading> borrowed_;
  BatchObservation observation_;
};

/// Returns how many slots lie before a query's own page.
std::size_t slots_seen(const HeadSlots& head, std::size_t own_page);

}  // namespace pith::kv
