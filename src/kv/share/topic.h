#pragma once

#include <cstddef>
#include <cstdint>

namespace pith::kv {

/// What ranks tell each other, for Ranks::exchange().
enum class Topic : std::uint8_t { kPages = 1, kStates, kObserved, kRows, kHidden, kSame, kAgreed, kProducts };

/// Says what a message is about: `number` is a position, or whatever else is the same on all ranks.
constexpr std::uint64_t topic(Topic kind, std::size_t layer, std::size_t number) {
  return static_cast<std::uint64_t>(kind) << 56U | static_cast<std::uint64_t>(layer & 0xFFFFU) << 40U |
         (static_cast<std::uint64_t>(number) & 0xFFFFFFFFFFU);
}

}  // namespace pith::kv
