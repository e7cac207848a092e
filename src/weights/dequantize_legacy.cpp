#include "weights/dequantize_blocks.h"

// Plain elements, and blocks of 32 weights. A block is f16 d, f16 m (Q4_1, Q5_1), 32 fifth bits (Q5_0, Q5_1), then 16
// bytes whose low nibbles are weights 0 to 15 and whose high nibbles are weights 16 to 31. Q8_0 has 32 signed bytes
// instead.
namespace pith::weights {
namespace {

constexpr std::size_t kBlock = 32;

/// A weight is d * code + m, or d * (code - zero point), where the zero point is half the number of codes.
template <bool has_min, bool has_fifth>
struct Nibbles32 {
  static constexpr std::size_t kElements = kBlock;
  static constexpr std::size_t kFifthAt = has_min ? 4 : 2;
  static constexpr std::size_t kNibblesAt = kFifthAt + (has_fifth ? 4 : 0);
  static constexpr std::size_t kBytes = kNibblesAt + 16;

  static void expand(const std::uint8_t* block, float* out) {
    const float d = read_f16(block);
    for (std::size_t i = 0; i < kBlock; ++i) {
      unsigned code = field(block[kNibblesAt + i % 16], i < 16 ? 0 : 4, 4);
      if constexpr (has_fifth) code |= field(block[kFifthAt + i / 8], i % 8, 1) << 4;
      if constexpr (has_min) {
        out[i] = d * static_cast<float>(code) + read_f16(block + 2);
      } else {
        out[i] = d * static_cast<float>(static_cast<int>(code) - (has_fifth ? 16 : 8));
      }
    }
  }
};

struct Bytes32 {
  static constexpr std::size_t kElements = kBlock;
  static constexpr std::size_t kBytes = 2 + kBlock;

  static void expand(const std::uint8_t* block, float* out) {
    const float d = read_f16(block);
    for (std::size_t i = 0; i < kBlock; ++i) out[i] = d * static_cast<float>(static_cast<std::int8_t>(block[2 + i]));
  }
};

}  // namespace

void dequantize_f32(const std::uint8_t* source, std::size_t blocks, float* destination) {
  if (blocks != 0) std::memcpy(destination, source, blocks * sizeof(float));
}

void dequantize_f16(const std::uint8_t* source, std::size_t blocks, float* destination) {
  for (std::size_t i = 0; i < blocks; ++i) destination[i] = read_f16(source + 2 * i);
}

void dequantize_bf16(const std::uint8_t* source, std::size_t blocks, float* destination) {
  for (std::size_t i = 0; i < blocks; ++i) destination[i] = bf16_to_f32(read_u16(source + 2 * i));
}

void dequantize_q4_0(const std::uint8_t* source, std::size_t blocks, float* destination) {
  expand_blocks<Nibbles32<false, false>>(source, blocks, destination);
}

void dequantize_q4_1(const std::uint8_t* source, std::size_t blocks, float* destination) {
  expand_blocks<Nibbles32<true, false>>(source, blocks, destination);
}

void dequantize_q5_0(const std::uint8_t* source, std::size_t blocks, float* destination) {
  expand_blocks<Nibbles32<false, true>>(source, blocks, destination);
}

void dequantize_q5_1(const std::uint8_t* source, std::size_t blocks, float* destination) {
  expand_blocks<Nibbles32<true, true>>(source, blocks, destination);
}

void dequantize_q8_0(const std::uint8_t* source, std::size_t blocks, float* destination) {
  expand_blocks<Bytes32>(source, blocks, destination);
}

}  // namespace pith::weights
