#pragma once

#include <bit>
#include <cstdint>

#include "base/half.h"

// Scales of the types whose codes are 4-bit floats.
namespace pith::weights {

/// Returns the scale of an MXFP4 block: 2^(exponent - 128), half of what the OCP standard says, because the levels are
/// doubled. The standard's NaN, 255, has no special meaning in GGUF.
constexpr float scale_mxfp4(std::uint8_t exponent) noexcept {
  const std::uint32_t e = exponent;
  return std::bit_cast<float>(e < 2 ? 0x00200000U << e : (e - 1) << 23);
}

/// Returns a scale byte of NVFP4 as it is packed: without its sign bit, and 0 for what the standard calls NaN, because
/// that is how GGUF reads them.
constexpr std::uint8_t packed_scale_nvfp4(std::uint8_t byte) noexcept {
  return byte == 0x7F ? std::uint8_t{0} : static_cast<std::uint8_t>(byte & 0x7FU);
}

/// Returns the scale that a packed byte of NVFP4 stands for: half of an E4M3 float, because the levels are doubled.
inline float scale_nvfp4(std::uint8_t packed) noexcept {
  // Its bits, in the place of an f16's exponent and mantissa, stand for 2^-8 of the E4M3 float.
  return f16_to_f32(static_cast<std::uint16_t>(packed << 7)) * 0x1p7F;
}

}  // namespace pith::weights
