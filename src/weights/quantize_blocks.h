#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/half.h"

// Shared by the quantize_*.cpp files, one per family of types: writing of blocks, and declarations of the functions in
// quantize.cpp's table. dequantize_*.cpp describe the layouts.
namespace pith::weights {

/// Rounds `blocks` blocks of weights from `source` to `destination`.
using QuantizeBlocks = void (*)(const float* source, std::size_t blocks, std::uint8_t* destination);

void quantize_f32(const float* source, std::size_t blocks, std::uint8_t* destination);
void quantize_f16(const float* source, std::size_t blocks, std::uint8_t* destination);
void quantize_bf16(const float* source, std::size_t blocks, std::uint8_t* destination);
void quantize_q4_0(const float* source, std::size_t blocks, std::uint8_t* destination);
void quantize_q4_1(const float* source, std::size_t blocks, std::uint8_t* destination);
void quantize_q5_0(const float* source, std::size_t blocks, std::uint8_t* destination);
void quantize_q5_1(const float* source, std::size_t blocks, std::uint8_t* destination);
void quantize_q8_0(const float* source, std::size_t blocks, std::uint8_t* destination);
void quantize_q2_k(const float* source, std::size_t blocks, std::uint8_t* destination);
void quantize_q3_k(const float* source, std::size_t blocks, std::uint8_t* destination);
void quantize_q4_k(const float* source, std::size_t blocks, std::uint8_t* destination);
void quantize_q5_k(const float* source, std::size_t blocks, std::uint8_t* destination);
void quantize_q6_k(const float* source, std::size_t blocks, std::uint8_t* destination);
void quantize_iq4_nl(const float* source, std::size_t blocks, std::uint8_t* destination);
void quantize_iq4_xs(const float* source, std::size_t blocks, std::uint8_t* destination);
void quantize_mxfp4(const float* source, std::size_t blocks, std::uint8_t* destination);
void quantize_tq1_0(const float* source, std::size_t blocks, std::uint8_t* destination);
void quantize_tq2_0(const float* source, std::size_t blocks, std::uint8_t* destination);

/// Runs Block::make(const float*, std::uint8_t*) over blocks of Block::kElements weights. The bytes are zero before.
template <typename Block>
void make_blocks(const float* source, std::size_t blocks, std::uint8_t* destination) {
  std::fill_n(destination, blocks * Block::kBytes, std::uint8_t{0});
  for (std::size_t b = 0; b < blocks; ++b) {
    Block::make(source + b * Block::kElements, destination + b * Block::kBytes);
  }
}

inline void write_u16(std::uint8_t* bytes, std::uint16_t value) noexcept { std::memcpy(bytes, &value, sizeof value); }

inline void write_f16(std::uint8_t* bytes, float value) noexcept { write_u16(bytes, f32_to_f16(value)); }

/// Sets bits of a byte that are still zero.
constexpr void set_bits(std::uint8_t& byte, unsigned value, std::size_t shift) noexcept {
  byte = static_cast<std::uint8_t>(byte | value << shift);
}

/// Returns 1 / scale, or 0 if the scale is 0. Infinite if the scale is so small that it becomes 0 as an f16.
inline float inverse(float scale) noexcept { return scale == 0.0F ? 0.0F : 1.0F / scale; }

/// Returns `value` without its fraction, at most `most`. 0 if it is NaN or outside [0, 256), as happens only with an
/// infinite inverse(): the scale is then stored as 0.
inline unsigned whole_code(float value, unsigned most) noexcept {
  if (!(value >= 0.0F && value < 256.0F)) return 0;
  const auto code = static_cast<unsigned>(value);
  return code < most ? code : most;
}

/// Rounds half away from zero. 0 if `value` is NaN or outside (-256, 256), as above.
inline int nearest_code(float value) noexcept {
  if (!(value > -256.0F && value < 256.0F)) return 0;
  const float magnitude = value < 0.0F ? -value : value;
  const auto floored = static_cast<int>(magnitude);
  const int rounded = floored + static_cast<int>(2.0F * (magnitude - static_cast<float>(floored)));
  return value < 0.0F ? -rounded : rounded;
}

}  // namespace pith::weights
