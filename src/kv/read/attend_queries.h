#pragma once

#include <cstddef>
#include <span>

#include "base/buffer.h"
#include "base/thread_pool.h"
#include "kv/core/cache.h"
#include "kv/read/attend_batch.h"
#include "kv/read/attend_buffers.h"

namespace pith::kv {

/// A block's scaled queries [tokens * group, key_size], in the forms that exact and sealed pages are multiplied with.
struct BlockQueries {
  const float* exact;
  Queries sealed;
};

/// Rows of queries in all forms that the pages of a cache are multiplied with.
class QueryRows {
 public:
  QueryRows() = default;
  /// Allocates `rows` rows in all; the split form in `blocks` blocks of kBlockTokens tokens. Suits every layer.
  QueryRows(const Cache& cache, std::size_t rows, std::size_t blocks);

  bool empty() const { return exact_.size() == 0; }
  std::size_t bytes() const { return (exact_.size() + sealed_.size()) * sizeof(float) + split_.bytes(); }
  float* exact(std::size_t row) { return &exact_[row * size_]; }
  /// Computes the other forms of rows whose exact form has been written.
  void seal(const Head& head, std::size_t row, std::size_t rows, std::size_t block);
  /// `size` is the layer's key_size.
  BlockQueries view(std::size_t row, std::size_t rows, std::size_t size, std::size_t block) const;

 private:
  std::size_t size_ = 0;  ///< Elements of the largest key
  Buffer<float> exact_;   ///< [rows, key_size]
  Buffer<float> sealed_;  ///< [rows, key_size] in the basis of sealed pages; empty if they are not rotated
  SplitBuffers split_;    ///< The same rows by block; empty if no codec reads them
};

/// The queries of a batch.
class BatchQueries {
 public:
  BatchQueries(const Cache& cache, std::size_t tokens_max);

  void prepare(const Layer& layer, ThreadPool& pool, const AttendBatch& batch, std::span<const AttendBlock> blocks);
  BlockQueries of(const AttendBlock& block) const;
  std::size_t bytes() const { return rows_.bytes(); }

 private:
  std::size_t first_row(const AttendBlock& block) const {
    return (block.kv_head * tokens_ + block.token) * shape_.group();
  }

  LayerShape shape_{};      ///< Of the current layer
  std::size_t tokens_ = 0;  ///< Of the current batch
  QueryRows rows_;          ///< [kv_heads, tokens, group]
};

/// The queries of one block as if they stood some positions earlier. Allocates nothing until turned() is called.
class TurnedQueries {
 public:
  /// Forgets what was computed: another block or chunk follows.
  void begin() { shift_ = 0; }
  BlockQueries turned(const Cache& cache, const Head& head, const BlockQueries& queries, std::size_t shift);
  std::size_t bytes() const { return rows_.bytes(); }

 private:
  QueryRows rows_;
  std::size_t shift_ = 0;  ///< By how many positions rows_ are turned; 0: rows_ is empty.
};

}  // namespace pith::kv
