#pragma once

// Needs a simd.h included before. Turning float rows into integers for the integer kernels.
#include "base/half.h"
#include "kernels/generic/reduce.h"
#include "kernels/types.h"

namespace pith::kernels::PITH_ISA {

/// Zero where every lane is finite, NaN otherwise: min and max lose NaN, sums do not.
inline float finite_or_nan(F32x16 x) { return reduce_add(mul(x, set1(0.0F))); }

void quantize_rows(const float* x, std::size_t rows, std::size_t columns, std::int8_t* codes, float* scales, float* sums,
                   float* half_sums) {
  const std::size_t groups = rows * (columns / kGroup);
  for (std::size_t g = 0; g < groups; ++g) {
    const F32x16 a = load(x + g * kGroup);
    const F32x16 b = load(x + g * kGroup + kLanes);
    const float largest = reduce_max(max(abs(a), abs(b)));
    const float poison = finite_or_nan(a) + finite_or_nan(b);
    const float scale = largest / 127.0F + poison;
    const F32x16 inverse = set1(largest > 0.0F ? 127.0F / largest : 0.0F);
    const I32x16 code_a = to_i32(mul(a, inverse));
    const I32x16 code_b = to_i32(mul(b, inverse));
    store_i8(codes + g * kGroup, code_a);
    store_i8(codes + g * kGroup + kLanes, code_b);
    const std::int32_t sum_a = reduce_add_i32(code_a);
    const std::int32_t sum_b = reduce_add_i32(code_b);
    scales[g] = scale;
    half_sums[2 * g] = scale * static_cast<float>(sum_a);
    half_sums[2 * g + 1] = scale * static_cast<float>(sum_b);
    sums[g] = scale * static_cast<float>(sum_a + sum_b);
  }
}

/// The largest |high * 256 + low| such that high stays within [-127, 127].
inline constexpr float kSplitMax = 32512.0F;

void split_row(const float* x, std::size_t columns, const std::uint16_t* lane_scales, std::int8_t* high, std::int8_t* low,
               float* scale, std::int32_t* high_sum, std::int32_t* low_sum) {
  const auto value = [&](std::size_t i) {
    const F32x16 v = load(x + i);
    return lane_scales == nullptr ? v : mul(v, load_f16(lane_scales + i));
  };
  F32x16 largest = zero();
  float poison = 0.0F;
  for (std::size_t i = 0; i < columns; i += kLanes) {
    const F32x16 v = value(i);
    largest = max(largest, abs(v));
    poison += finite_or_nan(v);
  }
  const float top = reduce_max(largest);
  *scale = top / kSplitMax + poison;
  const F32x16 inverse = set1(top > 0.0F ? kSplitMax / top : 0.0F);
  I32x16 high_total = zero_i32();
  I32x16 low_total = zero_i32();
  for (std::size_t i = 0; i < columns; i += kLanes) {
    const I32x16 code = to_i32(mul(value(i), inverse));
    const I32x16 upper = shift_right<8>(add(code, set1_i32(128)));
    const I32x16 lower = sub_i32(code, shift_left<8>(upper));
    store_i8(high + i, upper);
    store_i8(low + i, lower);
    high_total = add(high_total, upper);
    low_total = add(low_total, lower);
  }
  *high_sum = reduce_add_i32(high_total);
  *low_sum = reduce_add_i32(low_total);
}

void split_rows(const float* x, std::size_t stride, std::size_t rows, std::size_t columns, const std::uint16_t* lane_scales,
                std::int8_t* high, std::int8_t* low, float* scales, std::int32_t* high_sums, std::int32_t* low_sums) {
  for (std::size_t n = 0; n < rows; ++n) {
    split_row(x + n * stride, columns, lane_scales, high + n * columns, low + n * columns, scales + n, high_sums + n, low_sums + n);
  }
}

}  // namespace pith::kernels::PITH_ISA
