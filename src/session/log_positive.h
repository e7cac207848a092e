#pragma once

#include <bit>
#include <cstdint>

namespace pith::session {

/// ln x for a normal x > 0, within 1e-15 of the larger of 1 and the result. Additions, multiplications and one division
/// in a fixed order, for the reason that exp_weight() has.
inline double log_positive(double x) noexcept {
  constexpr std::uint64_t kMantissa = (std::uint64_t{1} << 52) - 1;
  constexpr std::uint64_t kOne = std::uint64_t{1023} << 52;
  constexpr double kRootOfTwo = 0x1.6a09e667f3bcdp0;
  const auto bits = std::bit_cast<std::uint64_t>(x);
  // x = 2^n m, with m between the root of 1/2 and that of 2.
  double m = std::bit_cast<double>((bits & kMantissa) | kOne);
  double n = static_cast<double>(static_cast<int>(bits >> 52) - 1023);
  if (m > kRootOfTwo) {
    m *= 0.5;
    n += 1.0;
  }
  // ln m = 2 artanh s = 2 (s + s^3 / 3 + s^5 / 5 + ...), for |s| < 0.172.
  const double s = (m - 1.0) / (m + 1.0);
  const double z = s * s;
  double sum = 1.0 / 23.0;
  sum = sum * z + 1.0 / 21.0;
  sum = sum * z + 1.0 / 19.0;
  sum = sum * z + 1.0 / 17.0;
  sum = sum * z + 1.0 / 15.0;
  sum = sum * z + 1.0 / 13.0;
  sum = sum * z + 1.0 / 11.0;
  sum = sum * z + 1.0 / 9.0;
  sum = sum * z + 1.0 / 7.0;
  sum = sum * z + 1.0 / 5.0;
  sum = sum * z + 1.0 / 3.0;
  sum = sum * z + 1.0;
  // ln 2 in two parts, of which n times the first is exact.
  return n * 0x1.62e42feep-1 + (2.0 * s * sum + n * 0x1.a39ef35793c76p-33);
}

}  // namespace pith::session
