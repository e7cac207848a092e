#include "kv/read/attend_buffers.h"

#include "kv/codec/codec.h"

namespace pith::kv {

SplitBuffers::SplitBuffers(std::size_t blocks, std::size_t rows, std::size_t columns)
    : block_rows_(split_plane_bytes(rows, 1) / kernels::kSplitColumns),
      block_bytes_(split_plane_bytes(rows, columns)),
      high_(blocks * block_bytes_),
      low_(blocks * block_bytes_),
      scales_(blocks * block_rows_),
      high_zero_terms_(blocks * block_rows_),
      low_zero_terms_(blocks * block_rows_) {}

std::size_t SplitBuffers::bytes() const {
  return high_.size() + low_.size() + scales_.size() * sizeof(float) +
         (high_zero_terms_.size() + low_zero_terms_.size()) * sizeof(std::int32_t);
}

kernels::SplitPlanes SplitBuffers::planes(std::size_t block) const {
  const std::size_t row = block * block_rows_;
  return {high_.data() + block * block_bytes_, low_.data() + block * block_bytes_, scales_.data() + row,
          high_zero_terms_.data() + row, low_zero_terms_.data() + row};
}

RowsBuffers::RowsBuffers(std::size_t blocks, std::size_t rows, std::size_t size) { reserve(blocks, rows, size); }

void RowsBuffers::reserve(std::size_t blocks, std::size_t rows, std::size_t size) {
  constexpr std::size_t kLine = 64 / sizeof(float);
  block_rows_ = rows;
  padded_rows_ = (rows + kLine - 1) / kLine * kLine;
  size_ = size;
  // Each by itself: an allocation that fails between them must not leave one that is taken for all.
  const auto grow = [](Buffer<float>& buffer, std::size_t count) {
    if (buffer.size() < count) buffer = Buffer<float>(count);
  };
  grow(references_, blocks * padded_rows_);
  grow(sums_, blocks * padded_rows_);
  grow(out_, blocks * rows * size);
}

SoftmaxRows RowsBuffers::rows(std::size_t block, std::size_t rows, std::size_t size) const {
  const std::size_t padded = block * padded_rows_;
  return {references_.data() + padded, sums_.data() + padded, out_.data() + block * block_rows_ * size_, rows, size};
}

}  // namespace pith::kv
