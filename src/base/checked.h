#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace pith {

/// Adds sizes that a file states; returns nullopt instead of wrapping around.
template <std::unsigned_integral T>
constexpr std::optional<T> checked_add(T a, T b) noexcept {
  T result = 0;
  if (__builtin_add_overflow(a, b, &result)) return std::nullopt;
  return result;
}

template <std::unsigned_integral T>
constexpr std::optional<T> checked_mul(T a, T b) noexcept {
  T result = 0;
  if (__builtin_mul_overflow(a, b, &result)) return std::nullopt;
  return result;
}

/// Returns the next multiple of `alignment` (a power of two) at or above `value`, or nullopt if it does not fit.
template <std::unsigned_integral T>
constexpr std::optional<T> checked_align(T value, T alignment) noexcept {
  const auto raised = checked_add(value, static_cast<T>(alignment - 1));
  if (!raised) return std::nullopt;
  return static_cast<T>(*raised & ~static_cast<T>(alignment - 1));
}

}  // namespace pith
