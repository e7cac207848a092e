#include "weights/packed_matrix.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/checked.h"
#include "base/fail.h"
#include "weights/dequantize.h"
#include "weights/pack_formats.h"

namespace pith::weights {
namespace {

/// Bytes of the file that are packed before PackWatch::packed may release them, so that loading needs hardly more
/// memory than the packed weights.
constexpr std::size_t kStretchBytes = std::size_t{16} << 20;

const std::uint8_t* as_bytes(const std::byte* p) { return reinterpret_cast<const std::uint8_t*>(p); }

}  // namespace

PackedMatrix::PackedMatrix(const PackInfo& info, std::size_t rows, std::size_t columns)
    : info_(&info), rows_(rows), columns_(columns), panel_bytes_(columns / info.block_columns * info.block_bytes) {
  if (!checked_mul(panels(), panel_bytes_)) {
    fail(ErrorKind::kOutOfMemory, "a matrix [{}, {}] does not fit into memory", rows, columns);
  }
}

PackedMatrix PackedMatrix::outline(gguf::TensorType type, std::size_t rows, std::size_t columns, bool as_f32) {
  return PackedMatrix(as_f32 ? kPackF32 : pack_info(type), rows, columns);
}

PackedMatrix::PackedMatrix(gguf::TensorType type, std::span<const std::byte> data, std::size_t rows,
                           std::size_t columns, bool as_f32, ThreadPool& pool, const PackWatch& watch)
    : PackedMatrix(as_f32 ? kPackF32 : pack_info(type), rows, columns) {
  const PackInfo& source = pack_info(type);
  const gguf::TensorTypeInfo& layout = gguf::type_info(type);
  const std::size_t row_bytes = columns / layout.block_elements * layout.block_bytes;
  if (columns % source.block_columns != 0 || data.size() != rows * row_bytes) {
    fail(ErrorKind::kInternal, "packing [{}, {}] of type {} from {} bytes", rows, columns, layout.name, data.size());
  }
  buffer_ = RawBuffer(bytes());

  const std::size_t stretch = std::max<std::size_t>(1, kStretchBytes / (kernels::kLanes * row_bytes));
  for (std::size_t first = 0; first < panels(); first += stretch) {
    const std::size_t count = std::min(stretch, panels() - first);
    pool.run(count, [&](std::size_t p) { pack_panel(first + p, source, data, watch.row); });
    if (!watch.packed) continue;
    const std::size_t begin = first * kernels::kLanes * row_bytes;
    watch.packed(data.subspan(begin, std::min(data.size() - begin, count * kernels::kLanes * row_bytes)));
  }
}

void PackedMatrix::pack_panel(std::size_t p, const PackInfo& source, std::span<const std::byte> data,
                              const std::function<void(std::size_t, std::span<const std::byte>)>& on_row) {
  const bool expands = info_ != &source;
  const std::size_t row_bytes = data.size() / rows_;
  const std::size_t blocks = columns_ / source.block_columns;
  auto* panel = reinterpret_cast<std::uint8_t*>(buffer_.data()) + p * panel_bytes_;
  std::vector<float> expanded(expands ? columns_ : 0);
  const std::size_t first = p * kernels::kLanes;
  for (std::size_t r = first; r < std::min(rows_, first + kernels::kLanes); ++r) {
    const auto from = data.subspan(r * row_bytes, row_bytes);
    if (on_row) on_row(r, from);
    if (expands) {
      dequantize(source.type, from, expanded);
      for (std::size_t c = 0; c < columns_; ++c) {
        info_->pack(as_bytes(reinterpret_cast<const std::byte*>(&expanded[c])), r - first,
                    panel + c * info_->block_bytes);
      }
      continue;
    }
    const std::size_t source_block = row_bytes / blocks;
    for (std::size_t b = 0; b < blocks; ++b) {
      info_->pack(as_bytes(from.data() + b * source_block), r - first, panel + b * info_->block_bytes);
    }
  }
}

void PackedMatrix::add(LowRank more) {
  if (more.a.columns() != columns_ || more.b.rows() != rows_ || more.a.rows() != more.b.columns()) {
    fail(ErrorKind::kInternal, "adding [{}, {}] [{}, {}] to [{}, {}]", more.b.rows(), more.b.columns(), more.a.rows(),
         more.a.columns(), rows_, columns_);
  }
  added_.push_back(std::move(more));
}

void PackedMatrix::row(std::size_t r, std::span<float> out) const {
  const std::uint8_t* from = panel(r / kernels::kLanes);
  for (std::size_t c = 0; c < columns_; c += info_->block_columns, from += info_->block_bytes) {
    info_->unpack(from, r % kernels::kLanes, &out[c]);
  }
  for (const LowRank& more : added_) {
    std::vector<float> shares(more.b.columns());
    std::vector<float> part(columns_);
    more.b.row(r, shares);
    for (std::size_t i = 0; i < shares.size(); ++i) {
      more.a.row(i, part);
      for (std::size_t c = 0; c < columns_; ++c) out[c] += shares[i] * part[c];
    }
  }
}

}  // namespace pith::weights
