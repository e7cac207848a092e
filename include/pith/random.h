#pragma once

#include <pith/export.h>

#include <array>
#include <bit>
#include <cstdint>

namespace pith::inline v0_1 {

/// The whole state of a generator: copy it to save one and to go on from it later.
struct RngState {
  std::array<std::uint64_t, 4> words{};

  bool operator==(const RngState&) const = default;
};

/// The finalizer of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): a bijection in which every bit of the input
/// affects every bit of the output. A hash for integers that may share most of their bits.
constexpr std::uint64_t mix_bits(std::uint64_t x) noexcept {
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
  return x ^ (x >> 31);
}

/// One step of SplitMix64: advances the state and returns the next number. Integers only, so a state gives the same
/// stream on every platform: seeds, random matrices and page formats rely on these bits.
constexpr std::uint64_t split_mix(std::uint64_t& state) noexcept {
  state += 0x9E3779B97F4A7C15ULL;
  return mix_bits(state);
}

/// Returns the upper 53 bits as a number in [0, 1). Every value is exact, so it is uniform if the bits are.
constexpr double unit_interval(std::uint64_t bits) noexcept { return static_cast<double>(bits >> 11) * 0x1.0p-53; }

/// The random generator of a sampler: xoshiro256** 1.0 (Blackman and Vigna, 1805.01407), seeded by SplitMix64 as its
/// authors advise. It computes with integers only, so a seed gives the same stream on every platform. Not thread-safe.
class PITH_EXPORT Rng {
 public:
  explicit constexpr Rng(std::uint64_t seed) noexcept {
    for (std::uint64_t& word : state_.words) word = split_mix(seed);
  }
  explicit constexpr Rng(const RngState& state) noexcept : state_(state) {}

  constexpr const RngState& state() const noexcept { return state_; }

  /// Returns the next 64 random bits.
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

  /// Returns a number that is uniform in [0, 1): unit_interval(next()).
  constexpr double uniform() noexcept { return unit_interval(next()); }

 private:
  RngState state_;
};

/// Returns the seed of sample number `index` of several that are drawn from one prompt. Seeds of different indices are
/// different, and neither they nor the streams that they start are those of `seed` itself or of its neighbours: both
/// numbers go through SplitMix64, one after the other. The result is the same on every platform.
constexpr std::uint64_t derive_seed(std::uint64_t seed, std::uint64_t index) noexcept {
  std::uint64_t base = ~seed;
  std::uint64_t state = split_mix(base) ^ (index * 0xD1342543DE82EF95ULL);
  return split_mix(state);
}

}  // namespace pith::inline v0_1
