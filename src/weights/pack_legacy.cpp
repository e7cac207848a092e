#include "base/half.h"
#include "weights/pack_formats.h"
#include "weights/pack_lines.h"

// Types with blocks of 32 columns: Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, IQ4_NL. A GGUF block is d, m (Q4_1, Q5_1), fifth bits
// (Q5_0, Q5_1), codes. Byte j of the codes holds columns j (low nibble) and j + 16 (high nibble).
namespace pith::weights {
namespace {

/// The packed block: f16 d[16], f16 m[16] if has_min, 4 lines of nibbles, 1 line of fifth bits if has_fifth.
template <bool has_min, bool has_fifth>
struct Block32 {
  static constexpr std::size_t kHeader = has_min ? 64 : 32;
  static constexpr std::size_t kBytes = kHeader + 4 * kLine + (has_fifth ? kLine : 0);
  static constexpr std::size_t kHighAt = has_min ? 4 : 2;

  static void pack(const std::uint8_t* source, std::size_t row, std::uint8_t* block) {
    put_half(source, row, block);
    if constexpr (has_min) put_half(source + 2, row, block + 32);
    std::uint8_t* lines = block + kHeader;
    put_nibble_halves(source + kHighAt + (has_fifth ? 4 : 0), row, lines);
    if constexpr (has_fifth) {
      const FourCodes fifth = load_four(source + kHighAt);
      for (std::size_t v = 0; v < 8; ++v) Bits::put(lines + 4 * kLine, row, v, spread_bits(fifth >> (4 * v)));
    }
  }

  static unsigned code(const std::uint8_t* block, std::size_t row, std::size_t c) {
    const std::uint8_t* lines = block + kHeader;
    unsigned code = Nibbles::get(lines, row, c);
    if constexpr (has_fifth) code |= Bits::get(lines + 4 * kLine, row, c) << 4;
    return code;
  }

  static void unpack(const std::uint8_t* block, std::size_t row, float* out) {
    const float d = f16_to_f32(load_u16(block + 2 * row));
    for (std::size_t c = 0; c < 32; ++c) {
      if constexpr (has_min) {
        const float m = f16_to_f32(load_u16(block + 32 + 2 * row));
        out[c] = d * static_cast<float>(code(block, row, c)) + m;
      } else {
        out[c] = d * static_cast<float>(static_cast<int>(code(block, row, c)) - (has_fifth ? 16 : 8));
      }
    }
  }
};

void pack_q8_0(const std::uint8_t* source, std::size_t row, std::uint8_t* block) {
  put_half(source, row, block);
  for (std::size_t v = 0; v < 8; ++v) BytePlane::put(block + 32, row, v, load_four(source + 2 + 4 * v) ^ four(0x80));
}

void unpack_q8_0(const std::uint8_t* block, std::size_t row, float* out) {
  const float d = f16_to_f32(load_u16(block + 2 * row));
  for (std::size_t c = 0; c < 32; ++c)
    out[c] = d * static_cast<float>(static_cast<int>(BytePlane::get(block + 32, row, c)) - 128);
}

void unpack_iq4_nl(const std::uint8_t* block, std::size_t row, float* out) {
  const float d = f16_to_f32(load_u16(block + 2 * row));
  for (std::size_t c = 0; c < 32; ++c) out[c] = d * kIq4Values[Block32<false, false>::code(block, row, c)];
}

}  // namespace

using gguf::TensorType;
using kernels::PackedFormat;

template <typename Block>
constexpr PackInfo block32(TensorType type, PackedFormat format) {
  return {type, format, 32, Block::kBytes, true, Block::pack, Block::unpack};
}

const PackInfo kPackQ4_0 = block32<Block32<false, false>>(TensorType::kQ4_0, PackedFormat::kQ4_0);
const PackInfo kPackQ4_1 = block32<Block32<true, false>>(TensorType::kQ4_1, PackedFormat::kQ4_1);
const PackInfo kPackQ5_0 = block32<Block32<false, true>>(TensorType::kQ5_0, PackedFormat::kQ5_0);
const PackInfo kPackQ5_1 = block32<Block32<true, true>>(TensorType::kQ5_1, PackedFormat::kQ5_1);
const PackInfo kPackQ8_0 = {TensorType::kQ8_0, PackedFormat::kQ8_0, 32, 32 + 8 * kLine, true, pack_q8_0, unpack_q8_0};
const PackInfo kPackIQ4_NL = {
    TensorType::kIQ4_NL,         PackedFormat::kIQ4_NL, 32, Block32<false, false>::kBytes, true,
    Block32<false, false>::pack, unpack_iq4_nl};

}  // namespace pith::weights
