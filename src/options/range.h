#pragma once

#include <fmt/format.h>

#include <limits>
#include <string>
#include <type_traits>

namespace pith::options {

template <typename T>
concept Number = std::is_arithmetic_v<T> && !std::is_same_v<T, bool>;

/// Which values an option may have. Options that are not numbers have no range: parts and codecs by name are checked by
/// whoever looks the name up.
template <typename T>
struct Range {
  constexpr bool allows(const T&) const { return true; }
};

/// Numbers from `least` to `most`, both allowed unless stated otherwise. Floating-point numbers are always finite.
template <Number T>
struct Range<T> {
  T least = std::numeric_limits<T>::lowest();
  T most = std::numeric_limits<T>::max();
  bool above_least = false;  ///< `least` itself is not allowed.
  T step = 0;                ///< Only multiples of it; 0: any number. For integers.

  constexpr bool has_least() const { return least != std::numeric_limits<T>::lowest(); }
  constexpr bool has_most() const { return most != std::numeric_limits<T>::max(); }
  /// Returns false for NaN, too.
  constexpr bool allows(T value) const {
    if (!(value >= least && value <= most) || (above_least && value == least)) return false;
    if constexpr (std::is_integral_v<T>) return step == 0 || value % step == 0;
    return true;
  }
};

/// Returns how a message ends that refuses a value: "allowed are 1 to 4096", "must be at least 0".
template <Number T>
std::string requirement(const Range<T>& range) {
  if (range.step != 0) return fmt::format("must be a multiple of {}, at most {}", range.step, range.most);
  const std::string finite = std::is_floating_point_v<T> && !range.has_most() ? "finite" : "";
  if (!range.has_least()) return range.has_most() ? fmt::format("must be at most {}", range.most) : "must be " + finite;
  if (range.has_most() && !range.above_least) return fmt::format("allowed are {} to {}", range.least, range.most);
  const std::string upper = range.has_most() ? fmt::format("at most {}", range.most) : finite;
  return fmt::format("must be {} {}{}{}", range.above_least ? "above" : "at least", range.least,
                     upper.empty() ? "" : " and ", upper);
}

}  // namespace pith::options
