#pragma once

// Rounds floats to 8-bit codes. Include a simd.h first.
#include "kernels/types.h"

namespace pith::kernels::PITH_ISA {

inline constexpr float kCode8Max = 127.0F;

inline I32x16 code8(F32x16 x) {
  // If either operand is NaN, min and max return the second one.
  const F32x16 within = max(set1(-kCode8Max), min(set1(kCode8Max), x));
  return add(to_i32(select_less(abs(within), set1(kCode8Max + 1.0F), within, zero())), set1_i32(128));
}

inline void encode_codes8(const float* x, std::size_t stride, std::size_t lines, std::uint8_t* codes) {
  for (std::size_t j = 0; j < lines; ++j, x += 4 * stride) {
    const auto column = [&](std::size_t c) { return code8(load(x + c * stride)); };
    const I32x16 low = add(column(0), shift_left<8>(column(1)));
    const I32x16 high = add(shift_left<16>(column(2)), shift_left<24>(column(3)));
    std::int32_t words[kLanes];
    store_i32(words, add(low, high));
    std::memcpy(codes + j * sizeof words, words, sizeof words);
  }
}

}  // namespace pith::kernels::PITH_ISA
