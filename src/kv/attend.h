#pragma once

#include <cstddef>
#include <vector>

#include "base/buffer.h"
#include "base/thread_pool.h"
#include "kv/append.h"
#include "kv/cache.h"
#include "kv/page_choice.h"
#include "kv/softmax_state.h"

namespace pith::kv {

/// Queries and outputs of one batch of one layer: token m's query head h starts at queries[m * query_stride + h *
/// key_size], its output at out[m * out_stride + h * value_size].
struct AttendBatch {
  const float* queries = nullptr;
  std::size_t query_stride = 0;
  float* out = nullptr;
  std::size_t out_stride = 0;
  std::size_t tokens = 0;
  std::size_t position = 0;  ///< Of the first token.
  float scale = 1.0F;        ///< Multiplies the scores.
  /// A single token that reads as sparsely as the cache says.
  bool sparse = false;
};

/// Memory of split rows, in blocks of `rows` rows: each begins where SplitRows may.
class SplitBuffers {
 public:
  SplitBuffers() = default;
  SplitBuffers(std::size_t blocks, std::size_t rows, std::size_t columns);

  bool empty() const { return high_.size() == 0; }
  kernels::SplitPlanes planes(std::size_t block) const;

 private:
  std::size_t block_rows_ = 0;   ///< Rounded up to kernels::kSplitRows
  std::size_t block_bytes_ = 0;  ///< Of a plane
  Buffer<std::int8_t> high_, low_;
  Buffer<float> scales_;
  Buffer<std::int32_t> high_starts_, low_starts_;
};

/// Memory of SoftmaxRows, in blocks of `rows` rows.
class RowsBuffers {
 public:
  RowsBuffers() = default;
  RowsBuffers(std::size_t blocks, std::size_t rows, std::size_t size);

  std::size_t blocks() const { return blocks_; }
  /// `rows` is at most what blocks were made for.
  SoftmaxRows rows(std::size_t block, std::size_t rows) const;

 private:
  std::size_t blocks_ = 0;
  std::size_t block_rows_ = 0;
  std::size_t size_ = 0;
  Buffer<float> references_, sums_, out_;
};

/// Attention of a batch over the cache, on the stored bytes. Buffers only: one owner at a time.
class Attention {
 public:
  Attention(const Cache& cache, std::size_t tokens_max, int workers);

  /// append() of the same batch comes first. Softmax states are built by chunk of kChunkPages pages and merged in
  /// order, so the result depends neither on the number of threads nor on the batch.
  /// What the cache's observers ask for is gathered on the way.
  void run(Cache& cache, const Staging& staging, ThreadPool& pool, std::size_t layer, const AttendBatch& batch);

 private:
  /// Up to kBlockTokens tokens of one page and all query heads of one KV head: they share every load of a KV byte.
  struct Block {
    std::size_t number;
    std::size_t kv_head;
    std::size_t token;  ///< First, counted in the batch.
    std::size_t tokens;
    std::size_t position;  ///< Of the first one.
  };
  struct Worker {
    Worker(std::size_t rows, std::size_t value_size);
    PageScratch scratch() const;

    Buffer<float> scores;  ///< [rows, kPageTokens]
    SplitBuffers weights;
    Buffer<float> row_add, row_shrink;
    Buffer<kernels::TokenRange> ranges;
    RowsBuffers part, total;
    Buffer<float> observed;  ///< [cells, rows, kPageTokens]; empty until something is observed
    /// Turned queries of the block at hand; empty until something is turned.
    Buffer<float> turned, turned_sealed;  ///< [rows, key_size]
    SplitBuffers turned_split;
    std::size_t shift = 0;  ///< What they are turned by; 0: nothing is there
  };

  /// The slots of a KV head that a block reads before its own page.
  struct Reading {
    std::size_t count;
    const std::uint32_t* slots;  ///< Null: all of them.

    std::size_t chunks() const { return count / kChunkPages + 1; }  ///< The own page included.
    std::size_t operator[](std::size_t i) const { return slots != nullptr ? slots[i] : i; }
  };

  std::vector<Block> make_blocks(const AttendBatch& batch) const;
  void prepare_queries(const Cache& cache, ThreadPool& pool, std::size_t layer, const AttendBatch& batch,
                       const std::vector<Block>& blocks);
  /// A block's queries for exact pages, and in the basis of sealed ones.
  struct BlockQueries {
    const float* exact;
    Queries sealed;
  };
  BlockQueries block_queries(const Block& block, std::size_t batch_tokens) const;
  /// The same queries as if they stood `shift` positions earlier.
  BlockQueries turned_queries(const Cache& cache, std::size_t layer, const Block& block, const BlockQueries& queries,
                              std::size_t shift, Worker& worker) const;
  /// Scaled queries [rows, key_size] in the basis of sealed pages, and split where that is read.
  void seal_queries(const Cache& cache, std::size_t layer, std::size_t kv_head, const float* exact, std::size_t rows,
                    float* sealed, const SplitBuffers& split, std::size_t split_block) const;
  void find_shifts(const Cache& cache, std::size_t layer, const AttendBatch& batch);
  /// The state of a block over one chunk, from nothing. `observed` takes the scores of all cells, or is null.
  void attend_chunk(const Cache& cache, const Staging& staging, std::size_t layer, const Block& block,
                    const BlockQueries& queries, const Reading& reading, std::size_t chunk, Worker& worker,
                    const SoftmaxRows& rows, float* observed) const;
  /// What each block reads, for one block a KV head.
  void make_readings(const Cache& cache, ThreadPool& pool, std::size_t layer, const AttendBatch& batch,
                     const std::vector<Block>& blocks);
  /// Room for what is observed of the batch's blocks: parts_ [blocks][observers, cells * kPageTokens].
  void begin_observing(const Cache& cache, std::size_t layer, const AttendBatch& batch,
                       const std::vector<Block>& blocks);
  void gather_block(const Cache& cache, const Block& block, const SoftmaxRows& rows, float* scores);
  void finish_observing(Cache& cache, std::size_t layer, const std::vector<Block>& blocks) const;
  void write_out(const Cache& cache, std::size_t layer, const AttendBatch& batch, const Block& block,
                 const SoftmaxRows& rows) const;
  /// One task a block.
  void run_blocks(const Cache& cache, const Staging& staging, ThreadPool& pool, std::size_t layer,
                  const AttendBatch& batch, const std::vector<Block>& blocks);
  /// One task a block and chunk, then the merge: for batches too small to fill the threads by blocks.
  void run_split(const Cache& cache, const Staging& staging, ThreadPool& pool, std::size_t layer,
                 const AttendBatch& batch, const std::vector<Block>& blocks);

  KvShape shape_;
  Buffer<float> queries_;         ///< [kv_heads, tokens, group, key_size]
  Buffer<float> sealed_queries_;  ///< The same in the basis of sealed pages; empty if that is no other.
  SplitBuffers split_queries_;    ///< The same by block; empty if no codec reads it.
  RowsBuffers split_parts_;       ///< [blocks, chunks]
  /// Cells of the layer at hand; 0: nothing is observed.
  std::size_t cells_ = 0;
  std::vector<float> observed_;        ///< Of run_split(): [blocks, cells, rows, kPageTokens]
  std::vector<std::uint8_t> counted_;  ///< [blocks]: whether any observer counts the block
  std::vector<double> gathered_;       ///< [blocks, observers, cells * kPageTokens]
  std::vector<Reading> readings_;      ///< [kv_heads], of run_split()
  std::vector<PageChoice> choices_;    ///< [kv_heads]; empty without sparse reading
  std::vector<Worker> workers_;
  std::vector<std::vector<std::size_t>> shifts_;  ///< [kv_heads][cells]; empty: nothing is turned
};

}  // namespace pith::kv
