#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "base/split_mix.h"

namespace pith::session {

/// All that a generator is: copy it to save one and to go on from it later.
struct RngState {
  std::array<std::uint64_t, 4> words{};

  bool operator==(const RngState&) const = default;
};

/// xoshiro256** 1.0 (Blackman and Vigna, 1805.01407), seeded by SplitMix64 as its authors advise. Integers only, so a
/// seed gives the same stream on every platform. Not thread-safe.
class Rng {
 public:
  explicit constexpr Rng(std::uint64_t seed) noexcept {
    for (std::uint64_t& word : state_.words) word = split_mix(seed);
  }
  explicit constexpr Rng(const RngState& state) noexcept : state_(state) {}

  constexpr const RngState& state() const noexcept { return state_; }

  constexpr std::uint64_t next() noexcept {
    auto& s = state_.words;
    const std::uint64_t result = std::rotl(s[1] * 5, 7) * 9;
    const std::uint64_t shifted = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = std::rotl(s[3], 45);
    return result;
  }

  /// Uniform in [0, 1): the upper 53 bits of next(), so every value is exact.
  constexpr double uniform() noexcept { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

 private:
  RngState state_;
};

}  // namespace pith::session
