#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/half.h"

// Shared by the dequantize_*.cpp files, one per family of types: reading of blocks, and declarations of the functions
// in dequantize.cpp's table.
namespace pith::weights {

/// Expands `blocks` blocks from `source` to `destination`.
using DequantizeBlocks = void (*)(const std::uint8_t* source, std::size_t blocks, float* destination);

void dequantize_f32(const std::uint8_t* source, std::size_t blocks, float* destination);
void dequantize_f16(const std::uint8_t* source, std::size_t blocks, float* destination);
void dequantize_bf16(const std::uint8_t* source, std::size_t blocks, float* destination);
void dequantize_q4_0(const std::uint8_t* source, std::size_t blocks, float* destination);
void dequantize_q4_1(const std::uint8_t* source, std::size_t blocks, float* destination);
void dequantize_q5_0(const std::uint8_t* source, std::size_t blocks, float* destination);
void dequantize_q5_1(const std::uint8_t* source, std::size_t blocks, float* destination);
void dequantize_q8_0(const std::uint8_t* source, std::size_t blocks, float* destination);
void dequantize_q2_k(const std::uint8_t* source, std::size_t blocks, float* destination);
void dequantize_q3_k(const std::uint8_t* source, std::size_t blocks, float* destination);
void dequantize_q4_k(const std::uint8_t* source, std::size_t blocks, float* destination);
void dequantize_q5_k(const std::uint8_t* source, std::size_t blocks, float* destination);
void dequantize_q6_k(const std::uint8_t* source, std::size_t blocks, float* destination);
void dequantize_iq4_nl(const std::uint8_t* source, std::size_t blocks, float* destination);
void dequantize_iq4_xs(const std::uint8_t* source, std::size_t blocks, float* destination);
void dequantize_q8_k(const std::uint8_t* source, std::size_t blocks, float* destination);
void dequantize_mxfp4(const std::uint8_t* source, std::size_t blocks, float* destination);
void dequantize_nvfp4(const std::uint8_t* source, std::size_t blocks, float* destination);
void dequantize_iq1_s(const std::uint8_t* source, std::size_t blocks, float* destination);
void dequantize_iq1_m(const std::uint8_t* source, std::size_t blocks, float* destination);
void dequantize_iq2_xxs(const std::uint8_t* source, std::size_t blocks, float* destination);
void dequantize_iq2_xs(const std::uint8_t* source, std::size_t blocks, float* destination);
void dequantize_iq2_s(const std::uint8_t* source, std::size_t blocks, float* destination);
void dequantize_iq3_xxs(const std::uint8_t* source, std::size_t blocks, float* destination);
void dequantize_iq3_s(const std::uint8_t* source, std::size_t blocks, float* destination);
void dequantize_tq1_0(const std::uint8_t* source, std::size_t blocks, float* destination);
void dequantize_tq2_0(const std::uint8_t* source, std::size_t blocks, float* destination);

/// Runs Block::expand(const std::uint8_t*, float*) over blocks of Block::kBytes bytes and Block::kElements weights.
template <typename Block>
void expand_blocks(const std::uint8_t* source, std::size_t blocks, float* destination) {
  for (std::size_t b = 0; b < blocks; ++b) {
    Block::expand(source + b * Block::kBytes, destination + b * Block::kElements);
  }
}

inline std::uint16_t read_u16(const std::uint8_t* bytes) noexcept {
  std::uint16_t value = 0;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

inline float read_f16(const std::uint8_t* bytes) noexcept { return f16_to_f32(read_u16(bytes)); }

/// Returns `bits` bits of a byte, starting at bit `shift`.
constexpr unsigned field(std::uint8_t byte, std::size_t shift, unsigned bits) noexcept {
  return (static_cast<unsigned>(byte) >> shift) & ((1U << bits) - 1U);
}

}  // namespace pith::weights
