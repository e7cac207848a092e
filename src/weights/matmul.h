#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/buffer.h"
#include "base/thread_pool.h"
#include "kernels/table.h"
#include "weights/packed_matrix.h"

namespace pith::weights {

/// The formats of all matrices that read the same activations, so that only what they need is computed.
class FormatSet {
 public:
  void add(kernels::PackedFormat format) { bits_ |= bit(format); }
  void add(FormatSet other) { bits_ |= other.bits_; }
  bool has(kernels::PackedFormat format) const { return (bits_ & bit(format)) != 0; }
  bool any_quantized() const {
    return (bits_ & ~(bit(kernels::PackedFormat::kF32) | bit(kernels::PackedFormat::kF16) |
                      bit(kernels::PackedFormat::kBF16))) != 0;
  }

 private:
  static constexpr std::uint32_t bit(kernels::PackedFormat format) {
    return std::uint32_t{1} << static_cast<unsigned>(format);
  }

  std::uint32_t bits_ = 0;
};

template <typename... Matrices>
FormatSet formats_of(const Matrices&... matrices) {
  FormatSet set;
  (set.add(matrices.format()), ...);
  return set;
}

/// Rows [first, first + rows) of an array of activations. `first` begins a tile (kernels::kTileRows).
struct RowGroup {
  std::size_t first = 0;
  std::size_t rows = 0;
};

/// Returns the view of a group of the rows of x.
kernels::Activations rows_of(const kernels::Activations& x, RowGroup group);

/// Memory for the int8 form of activation rows, which is computed once for all matrices that read them. Not
/// thread-safe.
class QuantizedRows {
 public:
  QuantizedRows() = default;
  QuantizedRows(std::size_t rows_max, std::size_t columns_max);

  std::size_t bytes() const;

  /// Quantizes x [rows, columns], rows `stride` floats apart, in parallel. If no reader needs codes, only returns a
  /// view of the floats. Quantized matrices have a multiple of 32 columns, and then stride must equal columns.
  /// make_row(m) writes row m of x right before it is read, a block of 12 rows at a time, so that the rows never leave
  /// the L2 cache.
  template <typename MakeRow>
  kernels::Activations quantize(const kernels::KernelTable& kernels, ThreadPool& pool, const float* x, std::size_t rows,
                                std::size_t columns, std::size_t stride, FormatSet readers, const MakeRow& make_row) {
    const RowGroup all{0, rows};
    return quantize_groups(kernels, pool, x, {&all, 1}, columns, stride, readers,
                           [&](std::size_t, std::size_t m) { make_row(m); });
  }
  /// The same for some rows of x [.., columns], in groups that lie apart from each other. make_row(group, m) writes row
  /// m of a group. Returns a view from which rows_of() takes the groups.
  template <typename MakeRow>
  kernels::Activations quantize_groups(const kernels::KernelTable& kernels, ThreadPool& pool, const float* x,
                                       std::span<const RowGroup> groups, std::size_t columns, std::size_t stride,
                                       FormatSet readers, const MakeRow& make_row) {
    const std::size_t rows = groups.back().first + groups.back().rows;
    const kernels::CodeRows to = destination(rows, columns, readers);
    std::size_t blocks = 0;
    for (const RowGroup& group : groups) blocks += blocks_of(group);
    pool.run(blocks, [&](std::size_t block) {
      std::size_t g = 0;
      for (; block >= blocks_of(groups[g]); ++g) block -= blocks_of(groups[g]);
      const std::size_t begin = block * kernels::kBlockRows;
      const std::size_t end = std::min(groups[g].rows, begin + kernels::kBlockRows);
      for (std::size_t m = begin; m < end; ++m) make_row(g, m);
      const std::size_t first = groups[g].first + begin;
      if (to.codes != nullptr) kernels.quantize_rows(x + first * stride, first, end - begin, columns, to);
    });
    return view(x, rows, columns, stride, to);
  }
  /// The same for rows that are complete already.
  kernels::Activations quantize(const kernels::KernelTable& kernels, ThreadPool& pool, const float* x, std::size_t rows,
                                std::size_t columns, std::size_t stride, FormatSet readers) {
    return quantize(kernels, pool, x, rows, columns, stride, readers, [](std::size_t) {});
  }

 private:
  static std::size_t blocks_of(RowGroup group) { return (group.rows + kernels::kBlockRows - 1) / kernels::kBlockRows; }
  /// Returns where codes go, with null pointers if no reader needs them.
  kernels::CodeRows destination(std::size_t rows, std::size_t columns, FormatSet readers);
  static kernels::Activations view(const float* x, std::size_t rows, std::size_t columns, std::size_t stride,
                                   const kernels::CodeRows& written);

  Buffer<std::int8_t> codes_;
  Buffer<float> scales_;
  Buffer<float> sums_;
  Buffer<float> half_sums_;
  Buffer<std::uint8_t> residual_counts_;
  Buffer<std::uint8_t> residual_rows_;
  Buffer<std::int8_t> residual_codes_;
  Buffer<float> residual_scales_;
  Buffer<std::int32_t> residual_sums_;
  std::array<Buffer<std::int32_t>, kernels::kZeroTerms> zero_terms_;
};

/// One of several products with the same activations: out[m * stride + r] = dot(matrix[r], x[m]). `stride` is a
/// multiple of 16 and at least the matrix's rows, so that the last panel's 16 rows fit.
struct Product {
  const PackedMatrix* matrix;
  float* out;
  std::size_t stride;
};

/// Which of the panels of each matrix are multiplied: part `part` of `parts` of about the same size.
struct PanelShare {
  std::size_t part = 0;
  std::size_t parts = 1;

  std::size_t first(std::size_t panels) const { return panels * part / parts; }
  std::size_t last(std::size_t panels) const { return panels * (part + 1) / parts; }
};

/// Multiplies a share of the panels of several matrices, which have nothing added to them (PackedMatrix::added), with
/// the same activations in one parallel region. Outputs of other panels stay as they are.
void multiply_share(const kernels::KernelTable& kernels, ThreadPool& pool, const kernels::Activations& x,
                    std::span<const Product> products, const PanelShare& share);

/// Multiplies several matrices with the same activations in one parallel region.
void multiply(const kernels::KernelTable& kernels, ThreadPool& pool, const kernels::Activations& x,
              std::span<const Product> products);

/// A product with activations of its own.
struct GroupProduct {
  kernels::Activations x;
  Product product;
};

/// Multiplies each matrix with its own activations, all in one parallel region. Each output is bit for bit what
/// multiply() gives for it alone.
void multiply(const kernels::KernelTable& kernels, ThreadPool& pool, std::span<const GroupProduct> products);

}  // namespace pith::weights
