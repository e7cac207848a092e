#pragma once

#include <cstddef>
#include <functional>
#include <limits>
#include <span>
#include <vector>

#include "base/buffer.h"
#include "base/thread_pool.h"
#include "kv/core/merge_tree.h"
#include "kv/read/attend_block.h"
#include "kv/read/attend_queries.h"
#include "kv/read/attend_worker.h"
#include "kv/read/step_reading.h"
#include "kv/write/staging.h"

namespace pith::kv {

/// Some subtrees of the merge tree, by number.
struct SubtreeRange {
  std::size_t first = 0;
  std::size_t last = std::numeric_limits<std::size_t>::max();  ///< Past the end.

  std::size_t first_chunk() const { return first * kSubtreeChunks; }
  /// Compares subtrees, since the last one may be no number of chunks.
  bool before_end(std::size_t chunk) const { return chunk / kSubtreeChunks < last; }
};

/// Receives the unnormalized state of a block of step `step` over subtree `subtree`, which may be overwritten. Values
/// are in the basis that the layer's codec stores. Called from the pool's threads; for one block from one at a time, in
/// order of subtrees.
using SubtreeSink =
    std::function<void(std::size_t step, const AttendBlock& block, std::size_t subtree, const SoftmaxRows& state)>;

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
  void run(std::span<const Step> steps, const Staging& staging, ThreadPool& pool, std::size_t layer,
           const AttendRows& rows);
  /// Hands out the states of some subtrees instead, for whoever merges them with those that others computed, and then
  /// calls add_sinks() and write_out(). Gathers nothing.
  void run_subtrees(std::span<const Step> steps, const Staging& staging, ThreadPool& pool, std::size_t layer,
                    const AttendRows& rows, const SubtreeRange& range, const SubtreeSink& sink);
  /// Adds the sinks, if there are any, to the state of a block over all subtrees.
  static void add_sinks(const Layer& layer, const AttendRows& rows, const AttendBlock& block, const SoftmaxRows& state);
  /// Normalizes the state of a block over all subtrees, which it overwrites, and writes the output of its rows.
  static void write_out(const Step& step, const Layer& layer, const AttendRows& rows, const AttendBlock& block,
                        const SoftmaxRows& state);

 private:
  /// A block, or a chunk of it.
  struct Task {
    std::size_t step, block;
    std::size_t chunk = 0;
    /// If it is a chunk: where the block's scores begin in observed_.
    std::size_t observed = 0;
  };
  /// What run() and run_subtrees() do with states.
  struct Output {
    const AttendRows& rows;
    SubtreeRange range{};
    const SubtreeSink* sink = nullptr;  ///< Null: the total is written out.
  };

  void begin(std::span<const Step> steps, const Staging& staging, ThreadPool& pool, std::size_t layer,
             const AttendRows& rows);
  void attend(ThreadPool& pool, const Output& output);
  bool worth_splitting(const ThreadPool& pool) const;
  /// Runs one task per block.
  void run_whole(ThreadPool& pool, const Output& output);
  /// Runs one task per block and chunk, then merges: for passes with too few blocks to keep all threads busy.
  void run_split(ThreadPool& pool, const Output& output);
  void list_whole();
  void list_chunks(const SubtreeRange& range);
  /// Merges the states of a block's chunks, which state_of(chunk) returns in order, and does with them what is wanted.
  template <typename StateOf>
  void merge_block(std::size_t step, const AttendBlock& block, AttendWorker& worker, const Output& output,
                   float* observed, const StateOf& state_of);
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
  RowsBuffers chunk_states_;     ///< For run_split(), by task.
  std::vector<float> observed_;  ///< For run_split(): [blocks][cells, rows, kPageTokens]
  std::vector<AttendWorker> workers_;
};

}  // namespace pith::kv
