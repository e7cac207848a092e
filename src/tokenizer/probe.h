#pragma once

#include <cstddef>
#include <optional>

namespace pith::tokenizer {

/// Probes a table, whose size is a power of two and which is at most half full, from a hash's slot on for the first
/// slot that fits. Returns nullopt beyond the longest probe allowed. With 1M entries the longest probe is about 100;
/// longer means that the keys were crafted to collide, and probing on would take quadratic time.
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
