#pragma once

#include <cstddef>
#include <optional>

namespace pith::tokenizer {

/// Looks through a table whose size is a power of two and that is at most half full, from a hash's place on, for the
/// first slot that fits. nullopt if that is further away than any may be: of a million entries the one that is furthest
/// away is so by about a hundred, unless they were made to fall together, and then looking would take quadratic time.
template <typename Fits>
std::optional<std::size_t> probe(std::size_t hash, std::size_t slots, const Fits& fits) noexcept {
  constexpr std::size_t kProbesMax = 1024;
  const std::size_t mask = slots - 1;
  for (std::size_t i = 0; i < kProbesMax; ++i) {
    const std::size_t slot = (hash + i) & mask;
    if (fits(slot)) return slot;
  }
  return std::nullopt;
}

}  // namespace pith::tokenizer
