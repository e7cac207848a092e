#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "base/buffer.h"
#include "base/thread_pool.h"
#include "kv/core/merge_tree.h"
#include "kv/read/attend_block.h"
#include "kv/read/attend_queries.h"
#include "kv/read/attend_worker.h"
#include "kv/read/step_reading.h"
#include "kv/read/stripe_states.h"
#include "kv/write/staging.h"

namespace pith::kv {

/// Attention of a pass over the caches of its steps, computed on the stored bytes. Holds buffers only, which serve any
/// caches of the same ScratchLayout. One owner at a time.
class Attention {
 public:
  Attention(const ScratchLayout& layout, std::size_t tokens_max, int workers);

  /// Returns the bytes of the buffers that grow with the pass, the workers or the depth.
  std::size_t bytes() const;

  /// Computes the outputs of a pass in one layer; append() of the same steps must come first. The softmax states of
  /// chunks are merged along a fixed tree (MergeTree), so a step's output depends neither on the number of threads nor
  /// on how its sequence is cut into passes nor on the other steps. Also gathers what the caches' observers ask for.
  /// Where several ranks hold the caches, either each computes the states of the stripes that it keeps and learns those
  /// of the others, or it gets their pages for as long as the layer takes: whatever sends less. Bits are the same.
  void run(std::span<const Step> steps, const Staging& staging, ThreadPool& pool, std::size_t layer,
           const AttendRows& rows);

 private:
  /// A block, or a chunk of it.
  struct Task {
    std::size_t step, block;
    std::size_t chunk = 0;
  };

  void begin(std::span<const Step> steps, const Staging& staging, ThreadPool& pool, std::size_t layer,
             const AttendRows& rows);
  void attend(ThreadPool& pool, const AttendRows& rows);
  bool worth_splitting(const ThreadPool& pool) const;
  /// Runs one task per block.
  void run_whole(ThreadPool& pool, const AttendRows& rows);
  /// Runs one task per block and chunk, then merges: for passes with too few blocks to keep all threads busy.
  void run_split(ThreadPool& pool, const AttendRows& rows);
  /// Computes the states of the stripes that this rank keeps, and merges them with those of the others.
  void run_striped(ThreadPool& pool, const AttendRows& rows, std::size_t layer, Ranks& ranks);
  /// Returns the bytes that the ranks send for run_striped(), or for all pages of the layer.
  std::size_t stripe_bytes() const;
  std::size_t page_bytes() const;
  void list_whole();
  void list_chunks(const StripeSet& stripes);
  /// Computes the states of all listed chunks.
  void attend_chunks(ThreadPool& pool, const AttendRows& rows);
  /// Merges the states of a block's chunks, which state_of(chunk, n) returns, chunk being the n-th that it is asked
  /// for.
  template <typename StateOf>
  void merge_block(std::size_t step, const AttendBlock& block, AttendWorker& worker, const AttendRows& rows,
                   float* observed, const StateOf& state_of);
  /// Writes out what the state of a block over all chunks makes; overwrites it.
  void finish_block(std::size_t step, const AttendBlock& block, const AttendRows& rows, float* observed,
                    const SoftmaxRows& total);
  /// Returns the state of the chunk that task `number` computes.
  SoftmaxRows chunk_state(std::size_t number) const;
  /// Returns where the scores of a block are that split work observes, or null.
  float* observed_of(std::size_t step, const AttendBlock& block);
  BlockQueries queries_of(std::size_t step, const AttendBlock& block) const;
  std::size_t query_row(const StepReading& reading, const AttendBlock& block) const;

  ScratchLayout layout_;
  std::size_t steps_ = 0;                 ///< Of the current pass.
  std::size_t blocks_ = 0;                ///< Of all steps.
  std::size_t rows_max_ = 0;              ///< Of any block.
  std::vector<StepReading> readings_;     ///< [at least steps]
  std::vector<std::size_t> first_block_;  ///< [steps]: of a step's first block among all.
  QueryRows queries_;                     ///< [steps][kv_heads, tokens, group]
  std::vector<Task> tasks_;
  RowsBuffers chunk_states_;              ///< For split work, by task.
  std::vector<float> observed_;           ///< For split work: [blocks][cells, rows, kPageTokens]
  std::vector<std::size_t> observed_at_;  ///< [blocks]: where a block's scores begin in observed_.
  StripeStates stripe_states_;
  std::vector<AttendWorker> workers_;
};

}  // namespace pith::kv
