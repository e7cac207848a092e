#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/half.h"

namespace pith::kv {

/// The largest finite f16.
inline constexpr double kStoredHalfMax = 65504.0;

/// Converts to f16 and saturates, so that one huge element does not make a whole page infinite. NaN stays NaN.
inline std::uint16_t to_stored_half(double value) {
  const double finite = value > kStoredHalfMax ? kStoredHalfMax : value < -kStoredHalfMax ? -kStoredHalfMax : value;
  return f32_to_f16(static_cast<float>(finite));
}

/// Writes the i-th f16 of an array in a page.
inline void put_half(double value, std::size_t i, std::byte* halves) {
  const std::uint16_t half = to_stored_half(value);
  std::memcpy(halves + 2 * i, &half, 2);
}

inline float get_half(const std::byte* halves, std::size_t i) {
  std::uint16_t half = 0;
  std::memcpy(&half, halves + 2 * i, 2);
  return f16_to_f32(half);
}

}  // namespace pith::kv
