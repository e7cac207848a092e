#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/half.h"

// Four floats at once, for the searches of quantize(): every instruction set that pith runs on has them, and sums are
// in one order on all. Compilers do not find them by themselves where numbers are rounded to integers.
namespace pith::weights {

using Lanes [[gnu::vector_size(16)]] = float;
using IntLanes [[gnu::vector_size(16)]] = std::int32_t;

inline constexpr std::size_t kLanes = 4;

/// A group of weights, codes or levels.
template <std::size_t count>
using Group = std::array<Lanes, count / kLanes>;

template <std::size_t count>
Group<count> load_group(const float* from) noexcept {
  Group<count> group;
  std::memcpy(group.data(), from, sizeof group);
  return group;
}

template <std::size_t lanes>
float element(const std::array<Lanes, lanes>& group, std::size_t i) noexcept {
  return group[i / kLanes][i % kLanes];
}

/// Return `limit` where a value is NaN.
inline Lanes at_least(Lanes values, float limit) noexcept {
  const Lanes limits = Lanes{} + limit;
  return values > limits ? values : limits;
}
inline Lanes at_most(Lanes values, float limit) noexcept {
  const Lanes limits = Lanes{} + limit;
  return values < limits ? values : limits;
}

/// Cuts off the fractions of numbers that int32 holds.
inline Lanes truncated(Lanes values) noexcept {
  return __builtin_convertvector(__builtin_convertvector(values, IntLanes), Lanes);
}

/// Returns the sum of term(i), which are lanes, for i in [0, count / kLanes).
template <std::size_t count, typename Term>
float sum_of(const Term& term) {
  static_assert(count % (2 * kLanes) == 0);
  Lanes even{};
  Lanes odd{};
  for (std::size_t i = 0; i < count / kLanes; i += 2) {
    even += term(i);
    odd += term(i + 1);
  }
  const Lanes sum = even + odd;
  return (sum[0] + sum[2]) + (sum[1] + sum[3]);
}

/// Returns a super-block's scale as it is stored: rounded to f16, but to no zero, because the integers that it is
/// multiplied with are still to be chosen.
inline float scale_f16(float value) noexcept {
  constexpr float kLeast = 0x1p-24F;
  const float rounded = f16_to_f32(f32_to_f16(value));
  return rounded == 0.0F && value != 0.0F ? std::copysign(kLeast, value) : rounded;
}

/// Returns 1 / scale as a finite number; 0 for 0.
inline float finite_inverse(float scale) noexcept {
  constexpr float kTiny = 0x1p-126F;
  return std::fabs(scale) < kTiny ? 0.0F : 1.0F / scale;
}

}  // namespace pith::weights
