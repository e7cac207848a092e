#pragma once

#include <cstdint>

namespace pith {

/// The finalizer of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): a bijection in which every bit of the input
/// affects every bit of the output. A hash for integers that may share most of their bits.
constexpr std::uint64_t mix_bits(std::uint64_t x) noexcept {
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9U;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBU;
  return x ^ (x >> 31);
}

/// The next number of the SplitMix64 stream, and its state advanced. Integers only, so a state gives the same stream on
/// every platform: seeds, random matrices and page formats rely on these bits.
constexpr std::uint64_t split_mix(std::uint64_t& state) noexcept {
  state += 0x9E3779B97F4A7C15U;
  return mix_bits(state);
}

}  // namespace pith
