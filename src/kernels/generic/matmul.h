#pragma once

// Needs a simd.h included before. Products of one weight panel (16 rows, docs/formats/packed_weights.md) with
// activation rows. Each output is summed over the columns in the same order whatever the number of rows: results do not
// depend on the batch.
#include "kernels/generic/formats.h"
#include "kernels/types.h"

namespace pith::kernels::PITH_ISA {

/// `count` code vectors of a group times one row's codes.
template <bool small_codes, std::size_t count>
inline F32x16 dot_group(const U8x64* w, const std::int8_t* codes) {
  I32x16 sum = zero_i32();
  for (std::size_t j = 0; j < count; ++j) sum = dot4<small_codes>(sum, w[j], codes + 4 * j);
  return to_f32(sum);
}

/// Rows [row, row + rows) of int8 activations times a quantized panel.
/// Cost by row, group and panel: 8 dot4, 1 convert, 1 multiply, 2 fma: 8 of 12 are the products themselves. A second
/// plane of activation codes costs 8 more and comes seldom, mostly in the same columns: its branch is foretold well.
template <typename Format, std::size_t rows>
void matmul_codes(const std::uint8_t* panel, const Activations& x, std::size_t row, float* out, std::size_t stride) {
  constexpr std::size_t kHalves = Format::kHalves;
  const std::size_t groups = x.columns / kGroup;
  const std::int8_t* codes = x.codes + row * x.columns;
  const float* scales = x.scales + row * groups;
  const std::int8_t* low = x.low + row * x.columns;
  const float* low_scales = x.low_scales + row * groups;
  const float* sums = (kHalves == 1 ? x.sums : x.half_sums) + row * groups * kHalves;
  F32x16 total[rows];
  for (std::size_t n = 0; n < rows; ++n) total[n] = zero();
  for (std::size_t group = 0; group < groups;) {
    const typename Format::Header header = Format::header(panel);
    panel += Format::kHeaderBytes;
    for (std::size_t g = 0; g < Format::kGroups; ++g, ++group, panel += Format::kGroupBytes) {
      F32x16 scale[kHalves];
      F32x16 min[kHalves];
      U8x64 w[8];
      Format::scales(header, panel, scale, min);
      Format::codes(panel, w);
#pragma GCC unroll 16
      for (std::size_t n = 0; n < rows; ++n) {
        constexpr std::size_t kVectors = 8 / kHalves;
        constexpr bool kSmall = Format::kSmallCodes;
        const std::size_t at = n * groups + group;
        const std::size_t column = n * x.columns + group * kGroup;
        for (std::size_t half = 0; half < kHalves; ++half) {
          const std::size_t v = half * kVectors;
          const F32x16 sum = dot_group<kSmall, kVectors>(w + v, codes + column + 4 * v);
          total[n] = fma(sum, mul(scale[half], set1(scales[at])), total[n]);
          total[n] = fma(min[half], set1(sums[at * kHalves + half]), total[n]);
        }
        if (low_scales[at] == 0.0F) continue;
        for (std::size_t half = 0; half < kHalves; ++half) {
          const std::size_t v = half * kVectors;
          const F32x16 sum = dot_group<kSmall, kVectors>(w + v, low + column + 4 * v);
          total[n] = fma(sum, mul(scale[half], set1(low_scales[at])), total[n]);
        }
      }
    }
  }
  for (std::size_t n = 0; n < rows; ++n) store(out + (row + n) * stride, total[n]);
}

struct ElementF32 {
  using Type = float;
  static F32x16 get(const Type* p) { return load(p); }
};
struct ElementF16 {
  using Type = std::uint16_t;
  static F32x16 get(const Type* p) { return load_f16(p); }
};
struct ElementBF16 {
  using Type = std::uint16_t;
  static F32x16 get(const Type* p) { return load_bf16(p); }
};

/// Rows of float activations, `stride` apart, times a panel [columns][16 lanes] of float elements.
template <typename Element, std::size_t rows>
inline void accumulate_floats(const typename Element::Type* w, const float* x, std::size_t x_stride,
                              std::size_t columns, F32x16 (&total)[rows]) {
  for (std::size_t k = 0; k < columns; ++k) {
    const F32x16 weight = Element::get(w + k * kLanes);
#pragma GCC unroll 16
    for (std::size_t n = 0; n < rows; ++n) {
      total[n] = fma(weight, set1(x[n * x_stride + k]), total[n]);
    }
  }
}

template <typename Element, std::size_t rows>
void matmul_floats(const std::uint8_t* panel, const Activations& x, std::size_t row, float* out, std::size_t stride) {
  F32x16 total[rows];
  for (std::size_t n = 0; n < rows; ++n) total[n] = zero();
  accumulate_floats<Element, rows>(reinterpret_cast<const typename Element::Type*>(panel), x.values + row * x.stride,
                                   x.stride, x.columns, total);
  for (std::size_t n = 0; n < rows; ++n) store(out + (row + n) * stride, total[n]);
}

/// Calls block.operator()<n>(row) for blocks of rows_max rows, then of half as many (rounded up), down to four, then
/// for the up to three that are left: few sizes to compile, and what few rows there are at decode is unpacked for once.
template <std::size_t rows_max, typename Block>
inline void for_row_blocks(std::size_t rows, const Block& block, std::size_t row = 0) {
  for (; rows - row >= rows_max; row += rows_max) block.template operator()<rows_max>(row);
  if constexpr (rows_max > 4) {
    for_row_blocks<(rows_max + 1) / 2>(rows, block, row);
  } else if constexpr (rows_max > 1) {
    for_row_blocks<rows_max - 1>(rows, block, row);
  }
}

template <typename Format>
void matmul_codes_all(const std::uint8_t* panel, const Activations& x, float* out, std::size_t stride) {
  for_row_blocks<kRowsMax>(
      x.rows, [&]<std::size_t rows>(std::size_t row) { matmul_codes<Format, rows>(panel, x, row, out, stride); });
}

template <typename Element>
void matmul_floats_all(const std::uint8_t* panel, const Activations& x, float* out, std::size_t stride) {
  for_row_blocks<kFloatRowsMax>(
      x.rows, [&]<std::size_t rows>(std::size_t row) { matmul_floats<Element, rows>(panel, x, row, out, stride); });
}

}  // namespace pith::kernels::PITH_ISA
