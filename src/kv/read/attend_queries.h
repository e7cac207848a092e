#pragma once

#include <cstddef>

#include "base/buffer.h"
#include "kv/core/scratch_layout.h"
#include "kv/read/attend_block.h"
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
  /// Allocates `rows` rows in all; the split form in `blocks` blocks of kBlockTokens tokens.
  QueryRows(const ScratchLayout& layout, std::size_t rows, std::size_t blocks);

  bool empty() const { return exact_.size() == 0; }
  std::size_t bytes() const { return (exact_.size() + sealed_.size()) * sizeof(float) + split_.bytes(); }
  /// Makes room for the split form of more blocks, and loses what was there.
  void reserve_blocks(const ScratchLayout& layout, std::size_t blocks);
  float* exact(std::size_t row) { return &exact_[row * size_]; }
  /// Computes the other forms of rows whose exact form has been written.
  void seal(const Head& head, std::size_t row, std::size_t rows, std::size_t block);
  /// `size` is the layer's key_size.
  BlockQueries view(std::size_t row, std::size_t rows, std::size_t size, std::size_t block) const;

 private:
  std::size_t size_ = 0;    ///< Elements of the largest key
  std::size_t blocks_ = 0;  ///< Of split_
  Buffer<float> exact_;     ///< [rows, key_size]
  Buffer<float> sealed_;    ///< [rows, key_size] in the basis of sealed pages; empty if they are not rotated
  SplitBuffers split_;      ///< The same rows by block; empty if no codec reads them
};

/// The queries of one block as if they stood some positions earlier, in the basis of a head. Allocates nothing until
/// turned() is called.
class TurnedQueries {
 public:
  explicit TurnedQueries(const ScratchLayout& layout) : layout_(layout) {}

  /// Forgets what was computed: another block, chunk or head follows.
  void begin() { computed_ = false; }
  BlockQueries turned(const Head& head, const BlockQueries& queries, std::ptrdiff_t shift);
  std::size_t bytes() const { return rows_.bytes(); }

 private:
  ScratchLayout layout_;
  QueryRows rows_;
  bool computed_ = false;     ///< Whether rows_ are queries turned by shift_.
  std::ptrdiff_t shift_ = 0;  ///< Positions.
};

}  // namespace pith::kv
