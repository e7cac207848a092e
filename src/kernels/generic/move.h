#pragma once

// Conversions of the elements of exact pages, and transposes. Include a simd.h first.
#include "kernels/generic/matmul.h"
#include "kernels/generic/reduce.h"
#include "kernels/types.h"

namespace pith::kernels::PITH_ISA {

/// One step of a transpose: swaps bit `distance` of the lane index with the same bit of the row index.
template <int distance>
inline void transpose_bit(F32x16 (&x)[kLanes]) {
#pragma GCC unroll 16
  for (std::size_t i = 0; i < kLanes; ++i) {
    if ((i & distance) != 0) continue;
    const F32x16 a = x[i];
    const F32x16 b = x[i + distance];
    x[i] = join_lower<distance>(a, b);
    x[i + distance] = join_upper<distance>(a, b);
  }
}

template <typename Element>
void transpose(const void* from, std::size_t stride, std::size_t rows, std::size_t columns, float* out,
               std::size_t out_stride) {
  const auto* x = static_cast<const typename Element::Type*>(from);
  for (std::size_t r = 0; r < rows; r += kLanes) {
    for (std::size_t c = 0; c < columns; c += kLanes) {
      F32x16 block[kLanes];
#pragma GCC unroll 16
      for (std::size_t i = 0; i < kLanes; ++i) block[i] = Element::get(x + (r + i) * stride + c);
      transpose_bit<8>(block);
      transpose_bit<4>(block);
      transpose_bit<2>(block);
      transpose_bit<1>(block);
#pragma GCC unroll 16
      for (std::size_t i = 0; i < kLanes; ++i) store(out + (c + i) * out_stride + r, block[i]);
    }
  }
}

template <typename Element>
void copy_rows(const void* from, std::size_t stride, std::size_t rows, std::size_t columns, float* out,
               std::size_t out_stride) {
  const auto* x = static_cast<const typename Element::Type*>(from);
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t c = 0; c < columns; c += kLanes) store(out + r * out_stride + c, Element::get(x + r * stride + c));
  }
}

/// The largest finite f16.
inline constexpr float kHalfMax = 65504.0F;

inline void narrow_f16(const float* x, std::size_t length, std::uint16_t* out) {
  // If either operand is NaN, min and max return the second one.
  for (std::size_t i = 0; i < length; i += kLanes)
    store_f16(out + i, max(set1(-kHalfMax), min(set1(kHalfMax), load(x + i))));
}

}  // namespace pith::kernels::PITH_ISA
