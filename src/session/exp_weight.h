#pragma once

#include <bit>
#include <cstdint>

namespace pith::session {

/// e^x for x <= 0, within 1e-12 relative; 0 from -700 down. Only additions and multiplications in a fixed order,
/// because the C library's exp() may differ in the last bit between versions and processors, and with it the token that
/// is drawn.
inline double exp_weight(double x) noexcept {
  constexpr double kLeast = -700.0;
  const double clamped = x > kLeast ? x : kLeast;
  // The nearest multiple of ln 2: adding 1.5 * 2^52 leaves no bits after the point, and the number in the lowest ones.
  constexpr double kRounder = 0x1.8p52;
  const double rounded = clamped * 0x1.71547652b82fep0 + kRounder;
  const double n = rounded - kRounder;
  const double r = (clamped - n * 0x1.62e42feep-1) - n * 0x1.a39ef35793c76p-33;
  // Taylor: 1 / k!, for |r| <= ln(2) / 2.
  double sum = 1.0 / 3628800.0;
  sum = sum * r + 1.0 / 362880.0;
  sum = sum * r + 1.0 / 40320.0;
  sum = sum * r + 1.0 / 5040.0;
  sum = sum * r + 1.0 / 720.0;
  sum = sum * r + 1.0 / 120.0;
  sum = sum * r + 1.0 / 24.0;
  sum = sum * r + 1.0 / 6.0;
  sum = sum * r + 1.0 / 2.0;
  sum = sum * r + 1.0;
  sum = sum * r + 1.0;
  // 2^n, made from its exponent.
  const double power = std::bit_cast<double>((std::bit_cast<std::uint64_t>(rounded) + 1023) << 52);
  return x > kLeast ? sum * power : 0.0;
}

}  // namespace pith::session
