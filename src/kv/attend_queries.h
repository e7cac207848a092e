#pragma once

#include <cstddef>
#include <span>

#include "base/buffer.h"
#include "base/thread_pool.h"
#include "kv/attend_batch.h"
#include "kv/attend_buffers.h"
#include "kv/cache.h"

namespace pith::kv {

/// A block's queries [tokens * group, key_size], scaled, as exact pages want them and as sealed ones do.
struct BlockQueries {
  const float* exact;
  Queries sealed;
};

/// Rows of queries in all the forms that pages of a cache ask for.
class QueryRows {
 public:
  QueryRows() = default;
  /// `rows` rows in all; split ones in `blocks` blocks of kBlockTokens tokens.
  QueryRows(const Cache& cache, std::size_t rows, std::size_t blocks);

  bool empty() const { return exact_.size() == 0; }
  std::size_t bytes() const { return (exact_.size() + sealed_.size()) * sizeof(float) + split_.bytes(); }
  float* exact(std::size_t row) { return &exact_[row * size_]; }
  /// The exact rows are there: makes the other forms, of a KV head.
  void seal(const Cache& cache, std::size_t layer, std::size_t kv_head, std::size_t row, std::size_t rows,
            std::size_t block);
  BlockQueries view(std::size_t row, std::size_t rows, std::size_t block) const;

 private:
  std::size_t size_ = 0;  ///< Of a key
  Buffer<float> exact_;   ///< [rows, key_size]
  Buffer<float> sealed_;  ///< The same in the basis of sealed pages; empty if that is no other.
  SplitBuffers split_;    ///< The same by block; empty if no codec reads it.
};

/// The queries of a batch.
class BatchQueries {
 public:
  BatchQueries(const Cache& cache, std::size_t tokens_max);

  void prepare(const Cache& cache, ThreadPool& pool, std::size_t layer, const AttendBatch& batch,
               std::span<const AttendBlock> blocks);
  BlockQueries of(const AttendBlock& block) const;
  std::size_t bytes() const { return rows_.bytes(); }

 private:
  std::size_t first_row(const AttendBlock& block) const { return (block.kv_head * tokens_ + block.token) * group_; }

  std::size_t group_;
  std::size_t tokens_ = 0;  ///< Of the batch at hand.
  QueryRows rows_;          ///< [kv_heads, tokens, group]
};

/// The queries of one block as if they stood some positions earlier. Takes no memory until that is asked for.
class TurnedQueries {
 public:
  /// Another block, or another chunk of it, is at hand.
  void begin() { shift_ = 0; }
  BlockQueries turned(const Cache& cache, std::size_t layer, const AttendBlock& block, const BlockQueries& queries,
                      std::size_t shift);
  std::size_t bytes() const { return rows_.bytes(); }

 private:
  QueryRows rows_;
  std::size_t shift_ = 0;  ///< What rows_ are turned by; 0: nothing is there.
};

}  // namespace pith::kv
