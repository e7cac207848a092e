#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/half.h"

namespace pith::kv {

/// Largest finite f16.
inline constexpr double kStoredHalfMax = 65504.0;

/// Writes the i-th f16 of a page's plane. What is too large for f16 becomes its largest finite number; NaN stays NaN.
inline void put_half(double value, std::size_t i, std::byte* halves) {
  const double finite = value > kStoredHalfMax ? kStoredHalfMax : value < -kStoredHalfMax ? -kStoredHalfMax : value;
  const std::uint16_t half = f32_to_f16(static_cast<float>(finite));
  std::memcpy(halves + 2 * i, &half, 2);
}

inline float get_half(const std::byte* halves, std::size_t i) {
  std::uint16_t half = 0;
  std::memcpy(&half, halves + 2 * i, 2);
  return f16_to_f32(half);
}

}  // namespace pith::kv
