#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/buffer.h"
#include "base/thread_pool.h"
#include "kv/append.h"
#include "kv/attend_batch.h"
#include "kv/attend_buffers.h"
#include "kv/attend_observation.h"
#include "kv/attend_queries.h"
#include "kv/cache.h"
#include "kv/page_choice.h"
#include "kv/shifts.h"
#include "kv/softmax_state.h"

namespace pith::kv {

/// Attention of a batch over the cache, on the stored bytes. Buffers only: one owner at a time. They serve any cache of
/// the same ScratchLayout.
class Attention {
 public:
  Attention(const Cache& cache, std::size_t tokens_max, int workers);

  /// Bytes of the buffers that grow with the batch, the workers or the depth.
  std::size_t bytes() const;

  /// append() of the same batch comes first. Softmax states are built by chunk of kChunkPages pages and merged in
  /// order, so the result depends neither on the number of threads nor on the batch.
  /// What the cache's observers ask for is gathered on the way.
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

  /// The slots of a KV head that a block reads before its own page.
  struct Reading {
    std::size_t count;
    const std::uint32_t* slots;  ///< Null: all of them.

    std::size_t chunks() const { return count / kChunkPages + 1; }  ///< The own page included.
    std::size_t operator[](std::size_t i) const { return slots != nullptr ? slots[i] : i; }
  };

  /// The state of a block over one chunk, from nothing. `observed` takes the scores of all cells, or is null.
  void attend_chunk(const Cache& cache, const Staging& staging, std::size_t layer, const AttendBlock& block,
                    const Reading& reading, std::size_t chunk, Worker& worker, const SoftmaxRows& rows,
                    float* observed) const;
  /// What each block reads, for one block a KV head.
  void make_readings(const Cache& cache, ThreadPool& pool, std::size_t layer, const AttendBatch& batch,
                     std::span<const AttendBlock> blocks);
  void write_out(const Cache& cache, std::size_t layer, const AttendBatch& batch, const AttendBlock& block,
                 const SoftmaxRows& rows) const;
  /// One task a block.
  void run_blocks(const Cache& cache, const Staging& staging, ThreadPool& pool, std::size_t layer,
                  const AttendBatch& batch, std::span<const AttendBlock> blocks);
  /// One task a block and chunk, then the merge: for batches too small to fill the threads by blocks.
  void run_split(const Cache& cache, const Staging& staging, ThreadPool& pool, std::size_t layer,
                 const AttendBatch& batch, std::span<const AttendBlock> blocks);

  KvShape shape_;
  BatchQueries queries_;
  LayerShifts shifts_;
  BatchObservation observation_;
  RowsBuffers split_parts_;          ///< Of run_split(): [blocks, chunks]
  std::vector<float> observed_;      ///< Of run_split(): [blocks, cells, rows, kPageTokens]
  std::vector<Reading> readings_;    ///< Of run_split(): [kv_heads]
  std::vector<PageChoice> choices_;  ///< [kv_heads]; empty without sparse reading
  std::vector<Worker> workers_;
};

}  // namespace pith::kv
