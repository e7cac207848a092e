#pragma once

// Quantizes float rows to 16-bit integers in two int8 planes, in blocks of 16 rows (SplitRows). Include a simd.h first.
#include "kernels/generic/activations.h"
#include "kernels/generic/reduce.h"
#include "kernels/types.h"

namespace pith::kernels::PITH_ISA {

/// The largest |256 * high + low| for which high stays within [-127, 127].
inline constexpr float kSplitMax = 32512.0F;
inline constexpr std::size_t kSplitBlockBytes = kSplitRows * kSplitColumns;

/// Returns where a row of a plane begins. Every further kSplitColumns columns lie kSplitBlockBytes later.
inline std::size_t split_row_at(std::size_t row, std::size_t columns) {
  const std::size_t column_blocks = (columns + kSplitColumns - 1) / kSplitColumns;
  return row / kSplitRows * column_blocks * kSplitBlockBytes + row % kSplitRows * kSplitColumns;
}

inline void quantize_int16_row(const float* x, std::size_t row, std::size_t columns, const SplitPlanes& to) {
  std::int8_t* high = to.high + split_row_at(row, columns);
  std::int8_t* low = to.low + split_row_at(row, columns);
  F32x16 largest = zero();
  F32x16 poison = zero();
  for (std::size_t i = 0; i < columns; i += kLanes) {
    const F32x16 v = load(x + i);
    largest = max(largest, abs(v));
    poison = fma(v, zero(), poison);
  }
  const float top = reduce_max(largest);
  const float scale = top / kSplitMax + reduce_add(poison);
  to.scales[row] = scale;
  // The NaN scale alone makes every result NaN. Codes must be zero: those of NaN or infinity could overflow sums.
  const F32x16 inverse = set1(scale == scale && top > kSmallest ? kSplitMax / top : 0.0F);
  I32x16 high_total = zero_i32();
  I32x16 low_total = zero_i32();
  for (std::size_t i = 0; i < columns; i += kLanes) {
    const I32x16 code = scale == scale ? to_i32(mul(load(x + i), inverse)) : zero_i32();
    const I32x16 upper = shift_right<8>(add(code, set1_i32(128)));
    const I32x16 lower = sub_i32(code, shift_left<8>(upper));
    const std::size_t at = i / kSplitColumns * kSplitBlockBytes + i % kSplitColumns;
    store_i8(high + at, upper);
    store_i8(low + at, lower);
    high_total = add(high_total, upper);
    low_total = add(low_total, lower);
  }
  to.high_zero_terms[row] = -128 * reduce_add_i32(high_total);
  to.low_zero_terms[row] = -128 * reduce_add_i32(low_total);
}

inline void quantize_int16_rows(const float* x, std::size_t stride, std::size_t rows, std::size_t columns,
                                const SplitPlanes& to) {
  for (std::size_t n = 0; n < rows; ++n) quantize_int16_row(x + n * stride, n, columns, to);
}

}  // namespace pith::kernels::PITH_ISA
