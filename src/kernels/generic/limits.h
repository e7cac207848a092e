#pragma once

// What src/machine times to measure the processor's peak throughput: the products and loads of the other kernels, with
// nothing around them. Include a simd.h first.
#include "kernels/generic/reduce.h"
#include "kernels/types.h"

namespace pith::kernels::PITH_ISA {

/// Steps per iteration of limit_dots(), so that the loop overhead is negligible.
inline constexpr std::size_t kLimitSteps = 4;

/// Weights are loaded at every step, so that a compiler cannot turn the sum into one multiplication.
template <std::size_t rows>
void limit_dot_rows(const std::uint8_t* w, std::size_t steps, const std::int8_t* x, float* out) {
  I32x16 total[rows];
#pragma GCC unroll 16
  for (std::size_t n = 0; n < rows; ++n) total[n] = zero_i32();
  for (std::size_t step = 0; step < steps; step += kLimitSteps) {
#pragma GCC unroll 4
    for (std::size_t s = step; s < step + kLimitSteps; ++s) {
      const U8x64 weights = load_bytes(w + s * 64);
#pragma GCC unroll 16
      for (std::size_t n = 0; n < rows; ++n) total[n] = dot4<true>(total[n], weights, x + 4 * n);
    }
  }
#pragma GCC unroll 16
  for (std::size_t n = 0; n < rows; ++n) store(out + n * kLanes, to_f32(total[n]));
}

inline void limit_dots(const std::uint8_t* w, std::size_t steps, const std::int8_t* x, float* out) {
  constexpr std::size_t kRows = kRowsMax >= kLimitRows ? kLimitRows : kLimitRows / 3;
  for (std::size_t row = 0; row < kLimitRows; row += kRows) {
    limit_dot_rows<kRows>(w, steps, x + 4 * row, out + row * kLanes);
  }
}

/// Keeps eight sums, so that loads never wait for an addition.
inline float limit_read(const float* x, std::size_t length) {
  constexpr std::size_t kSums = 8;
  F32x16 total[kSums];
#pragma GCC unroll 8
  for (std::size_t s = 0; s < kSums; ++s) total[s] = zero();
  for (std::size_t i = 0; i < length; i += kSums * kLanes) {
#pragma GCC unroll 8
    for (std::size_t s = 0; s < kSums; ++s) total[s] = add(total[s], load(x + i + s * kLanes));
  }
#pragma GCC unroll 8
  for (std::size_t s = 1; s < kSums; ++s) total[0] = add(total[0], total[s]);
  return reduce_add(total[0]);
}

}  // namespace pith::kernels::PITH_ISA
