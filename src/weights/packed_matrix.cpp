#include "weights/packed_matrix.h"

#include <algorithm>
#include <vector>

#include "base/checked.h"
#include "base/fail.h"
#include "weights/dequantize.h"
#include "weights/pack_formats.h"

namespace pith::weights {
namespace {

const std::uint8_t* as_bytes(const std::byte* p) { return reinterpret_cast<const std::uint8_t*>(p); }

}  // namespace

PackedMatrix::PackedMatrix(gguf::TensorType type, std::span<const std::byte> data, std::size_t rows,
                           std::size_t columns, bool as_f32, ThreadPool& pool)
    : info_(as_f32 ? &kPackF32 : &pack_info(type)), rows_(rows), columns_(columns) {
  const PackInfo& source = pack_info(type);
  const gguf::TensorTypeInfo& layout = gguf::type_info(type);
  const std::size_t row_bytes = columns / layout.block_elements * layout.block_bytes;
  if (columns % source.block_columns != 0 || data.size() != rows * row_bytes) {
    fail(ErrorKind::kInternal, "packing [{}, {}] of type {} from {} bytes", rows, columns, layout.name, data.size());
  }
  panel_bytes_ = columns / info_->block_columns * info_->block_bytes;
  const auto total = checked_mul(panels(), panel_bytes_);
  if (!total) fail(ErrorKind::kOutOfMemory, "a matrix [{}, {}] does not fit into memory", rows, columns);
  buffer_ = RawBuffer(*total);

  const std::size_t blocks = columns / source.block_columns;
  pool.run(panels(), [&](std::size_t p) {
    auto* panel = reinterpret_cast<std::uint8_t*>(buffer_.data()) + p * panel_bytes_;
    std::vector<float> expanded(as_f32 ? columns : 0);
    const std::size_t first = p * kernels::kLanes;
    for (std::size_t r = first; r < std::min(rows, first + kernels::kLanes); ++r) {
      const std::byte* from = data.data() + r * row_bytes;
      if (as_f32) {
        dequantize(type, {from, row_bytes}, expanded);
        for (std::size_t c = 0; c < columns; ++c) {
          info_->pack(as_bytes(reinterpret_cast<const std::byte*>(&expanded[c])), r - first,
                      panel + c * info_->block_bytes);
        }
        continue;
      }
      const std::size_t source_block = row_bytes / blocks;
      for (std::size_t b = 0; b < blocks; ++b) {
        info_->pack(as_bytes(from + b * source_block), r - first, panel + b * info_->block_bytes);
      }
    }
  });
}

void PackedMatrix::row(std::size_t r, std::span<float> out) const {
  const std::uint8_t* from = panel(r / kernels::kLanes);
  for (std::size_t c = 0; c < columns_; c += info_->block_columns, from += info_->block_bytes) {
    info_->unpack(from, r % kernels::kLanes, &out[c]);
  }
}

}  // namespace pith::weights
