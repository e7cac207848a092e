#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/buffer.h"
#include "base/thread_pool.h"
#include "kv/core/cache.h"
#include "kv/core/softmax_state.h"
#include "kv/read/attend_batch.h"
#include "kv/read/attend_buffers.h"
#include "kv/read/attend_observation.h"
#include "kv/read/attend_queries.h"
#include "kv/read/page_choice.h"
#include "kv/read/shifts.h"
#include "kv/write/staging.h"

namespace pith::kv {

/// Attention of a batch over the cache, computed on the stored bytes. Holds buffers only, which serve any cache of
/// the same ScratchLayout. One owner at a time.
class Attention {
 public:
  Attention(const Cache& cache, std::size_t tokens_max, int workers);

  /// Returns the bytes of the buffers that grow with the batch, the workers or the depth.
  std::size_t bytes() const;

  /// Computes the outputs of the batch; append() of the same batch must come first. Softmax states are built per chunk
  /// of kChunkPages pages and merged in order, so the result depends neither on the number of threads nor on the batch.
  /// Also gathers what the cache's observers ask for.
  void run(Cache& cache, const Staging& staging, ThreadPool& pool, std::size_t layer, const AttendBatch& batch);

 private:
  struct Worker {
    Worker(std::size_t rows, std::size_t value_size);
    PageScratch scratch() const;
    std::size_t bytes() const;

    Buffer<float> scores;  ///< [rows, kPageTokens]
    SplitBuffers weights;
    Buffer<float> row_add, row_shrink;
    Buffer<kernels::TokenRange> ranges;
    RowsBuffers part, total;
    Buffer<float> observed;  ///< [cells, rows, kPageTokens]; empty until something is observed
    TurnedQueries turned;
  };

  /// What a batch reads: a layer, its own pages in the staging area.
  struct Source {
    const Cache& cache;
    const Layer& layer;
    const Staging& staging;
  };

  /// The slots that a block reads before its own page.
  struct Reading {
    std::size_t count;
    const std::uint32_t* slots;  ///< Null: all of them.

    std::size_t chunks() const { return count / kChunkPages + 1; }  ///< Including the block's own page.
    std::size_t operator[](std::size_t i) const { return slots != nullptr ? slots[i] : i; }
  };

  /// Computes the softmax state of a block over one chunk alone. `observed` receives the scores of all cells, or is
  /// null.
  void attend_chunk(const Source& source, const AttendBlock& block, const Reading& reading, std::size_t chunk,
                    Worker& worker, const SoftmaxRows& rows, float* observed) const;
  /// Fills readings_, for batches of one block per KV head.
  void make_readings(const Source& source, ThreadPool& pool, const AttendBatch& batch,
                     std::span<const AttendBlock> blocks);
  /// Runs one task per block.
  void run_blocks(const Source& source, ThreadPool& pool, const AttendBatch& batch,
                  std::span<const AttendBlock> blocks);
  /// Runs one task per block and chunk, then merges: for batches with too few blocks to keep all threads busy.
  void run_split(const Source& source, ThreadPool& pool, const AttendBatch& batch, std::span<const AttendBlock> blocks);

  std::size_t rows_max_ = 0;        ///< Of a block of any layer.
  std::size_t value_size_max_ = 0;  ///< Of any layer.
  BatchQueries queries_;
  LayerShifts shifts_;
  BatchObservation observation_;
  RowsBuffers split_parts_;          ///< For run_split(): [blocks, chunks]
  std::vector<float> observed_;      ///< For run_split(): [blocks, cells, rows, kPageTokens]
  std::vector<Reading> readings_;    ///< For run_split(): [kv_heads]
  std::vector<PageChoice> choices_;  ///< [kv_heads]; empty without sparse reading
  std::vector<Worker> workers_;
};

}  // namespace pith::kv
