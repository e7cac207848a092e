#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "kernels/levels.h"

// Reads blocks of 256 weights whose values are a few levels times a scale, however the file packs them.
namespace pith::weights {

/// Such a block. Weight c is d * scales[c / 16] * unit * values[codes[c]], with a table of kernels/levels.h. The
/// product is exact in float32 in any order.
struct LevelCodes {
  /// An f16.
  std::uint16_t d = 0;
  /// Odd and at most 31.
  std::array<std::uint8_t, 16> scales{};
  std::array<std::uint8_t, 256> codes{};
};

template <std::size_t count>
constexpr float level(const kernels::Levels<count>& levels, unsigned code) noexcept {
  return static_cast<float>(levels.values[code]);
}

LevelCodes read_iq1_s(const std::uint8_t* block);
LevelCodes read_iq1_m(const std::uint8_t* block);
LevelCodes read_iq2_xxs(const std::uint8_t* block);
LevelCodes read_iq2_xs(const std::uint8_t* block);
LevelCodes read_iq2_s(const std::uint8_t* block);
LevelCodes read_iq3_xxs(const std::uint8_t* block);
LevelCodes read_iq3_s(const std::uint8_t* block);
LevelCodes read_tq1_0(const std::uint8_t* block);
LevelCodes read_tq2_0(const std::uint8_t* block);

/// Returns the f16 scale of an IQ1_M block, which is spread over the high nibbles of four 16-bit words.
std::uint16_t scale_iq1_m(const std::uint8_t* block);

}  // namespace pith::weights
