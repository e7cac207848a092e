#pragma once

#include <cstddef>
#include <cstdint>

#include "base/buffer.h"
#include "kernels/table.h"
#include "kv/core/softmax_state.h"

namespace pith::kv {

/// Memory of split rows in blocks of `rows` rows, each aligned as SplitRows requires.
class SplitBuffers {
 public:
  SplitBuffers() = default;
  SplitBuffers(std::size_t blocks, std::size_t rows, std::size_t columns);

  bool empty() const { return high_.size() == 0; }
  std::size_t bytes() const;
  kernels::SplitPlanes planes(std::size_t block) const;

 private:
  std::size_t block_rows_ = 0;   ///< Rounded up to kernels::kSplitRows
  std::size_t block_bytes_ = 0;  ///< Of a plane
  Buffer<std::int8_t> high_, low_;
  Buffer<float> scales_;
  Buffer<std::int32_t> high_zero_terms_, low_zero_terms_;
};

/// Memory of SoftmaxRows in blocks of `rows` rows.
class RowsBuffers {
 public:
  RowsBuffers() = default;
  RowsBuffers(std::size_t blocks, std::size_t rows, std::size_t size);

  /// Makes the memory one of so many blocks, and loses what was there. Allocates only what is missing.
  void reserve(std::size_t blocks, std::size_t rows, std::size_t size);
  std::size_t bytes() const { return (references_.size() + sums_.size() + out_.size()) * sizeof(float); }
  /// Returns the first `rows` rows of a block, of `size` elements each; both at most what blocks were made for.
  SoftmaxRows rows(std::size_t block, std::size_t rows, std::size_t size) const;

 private:
  std::size_t block_rows_ = 0;
  /// Rows rounded up to a cache line: threads write the references and sums of neighbouring blocks at the same time.
  std::size_t padded_rows_ = 0;
  std::size_t size_ = 0;
  Buffer<float> references_, sums_, out_;
};

}  // namespace pith::kv
