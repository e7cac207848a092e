#include "weights/dequantize_blocks.h"

// K-quants: super-blocks of 256 weights, in groups of 16 or 32 with small integer scales. A group's scale d * s (and
// its minimum dmin * m) is rounded to float32 before it is combined with the codes.
namespace pith::weights {
namespace {

constexpr std::size_t kBlock = 256;

struct Super256 {
  static constexpr std::size_t kElements = kBlock;
};

/// Layout: 16 bytes of 4-bit scales (low nibble) and minimums (high nibble), 64 of codes, d, dmin. Byte j of each half
/// of the codes holds weights j, j + 32, j + 64 and j + 96 of that half.
struct BlockQ2_K : Super256 {
  static constexpr std::size_t kBytes = 84;

  static void expand(const std::uint8_t* block, float* out) {
    const float d = read_f16(block + 80);
    const float dmin = read_f16(block + 82);
    for (std::size_t g = 0; g < 16; ++g) {
      const float scale = d * static_cast<float>(field(block[g], 0, 4));
      const float min = dmin * static_cast<float>(field(block[g], 4, 4));
      const std::uint8_t* codes = block + 16 + 32 * (g / 8) + 16 * (g % 2);
      const std::size_t shift = 2 * (g / 2 % 4);
      for (std::size_t i = 0; i < 16; ++i) {
        out[16 * g + i] = scale * static_cast<float>(field(codes[i], shift, 2)) - min;
      }
    }
  }
};

/// Unpacks a 6-bit scale of Q3_K, with zero point 32. 8 bytes hold the low nibbles (scales 0 to 7, then 8 to 15), 4 the
/// high 2 bits.
float scale_q3_k(const std::uint8_t* packed, std::size_t g) {
  const unsigned low = field(packed[g % 8], 4 * (g / 8), 4);
  const unsigned high = field(packed[8 + g % 4], 2 * (g / 4), 2);
  return static_cast<float>(static_cast<int>(low | (high << 4)) - 32);
}

/// Layout: 32 bytes of third bits, 64 of 2-bit pairs as in Q2_K, 12 of scales, d. A clear third bit lowers the code by
/// 4.
struct BlockQ3_K : Super256 {
  static constexpr std::size_t kBytes = 110;

  static void expand(const std::uint8_t* block, float* out) {
    const float d = read_f16(block + 108);
    for (std::size_t g = 0; g < 16; ++g) {
      const float scale = d * scale_q3_k(block + 96, g);
      const std::uint8_t* thirds = block + 16 * (g % 2);
      const std::uint8_t* codes = block + 32 + 32 * (g / 8) + 16 * (g % 2);
      const std::size_t shift = 2 * (g / 2 % 4);
      for (std::size_t i = 0; i < 16; ++i) {
        const unsigned code = field(codes[i], shift, 2) | (field(thirds[i], g / 2, 1) << 2);
        out[16 * g + i] = scale * static_cast<float>(static_cast<int>(code) - 4);
      }
    }
  }
};

struct ScaleMin {
  unsigned scale;
  unsigned min;
};

/// Unpacks a 6-bit scale and minimum of Q4_K and Q5_K. Groups 0 to 3 are the low 6 bits of bytes g and g + 4. Groups 4
/// to 7 have their low bits in the nibbles of byte g + 4, and their high 2 bits at the top of bytes g - 4 and g.
ScaleMin scale_min(const std::uint8_t* packed, std::size_t g) {
  if (g < 4) return {field(packed[g], 0, 6), field(packed[g + 4], 0, 6)};
  return {field(packed[g + 4], 0, 4) | (field(packed[g - 4], 6, 2) << 4),
          field(packed[g + 4], 4, 4) | (field(packed[g], 6, 2) << 4)};
}

/// Layout: d, dmin, 12 bytes of scales and minimums, 32 of fifth bits if has_fifth, 128 of nibbles. Groups 2i and 2i +
/// 1 share 32 bytes of nibbles.
template <bool has_fifth>
struct BlockMinK : Super256 {
  static constexpr std::size_t kNibblesAt = has_fifth ? 48 : 16;
  static constexpr std::size_t kBytes = kNibblesAt + 128;

  static void expand(const std::uint8_t* block, float* out) {
    const float d = read_f16(block);
    const float dmin = read_f16(block + 2);
    for (std::size_t g = 0; g < 8; ++g) {
      const ScaleMin sm = scale_min(block + 4, g);
      const float scale = d * static_cast<float>(sm.scale);
      const float min = dmin * static_cast<float>(sm.min);
      const std::uint8_t* nibbles = block + kNibblesAt + 32 * (g / 2);
      for (std::size_t i = 0; i < 32; ++i) {
        unsigned code = field(nibbles[i], 4 * (g % 2), 4);
        if constexpr (has_fifth) code |= field(block[16 + i], g, 1) << 4;
        out[32 * g + i] = scale * static_cast<float>(code) - min;
      }
    }
  }
};

/// Layout: 128 bytes of low nibbles, 64 of high 2-bit pairs, 16 signed scales, d. Each half of the block has 4 runs of
/// 32 weights: bytes 0 to 31 and 32 to 63 hold runs 0 and 1 in their low nibbles, and runs 2 and 3 in their high
/// nibbles.
struct BlockQ6_K : Super256 {
  static constexpr std::size_t kBytes = 210;

  static void expand(const std::uint8_t* block, float* out) {
    const float d = read_f16(block + 208);
    for (std::size_t g = 0; g < 16; ++g) {
      const float scale = d * static_cast<float>(static_cast<std::int8_t>(block[192 + g]));
      const std::size_t half = g / 8;
      const std::size_t run = g / 2 % 4;
      const std::uint8_t* low = block + 64 * half + 32 * (run % 2) + 16 * (g % 2);
      const std::uint8_t* high = block + 128 + 32 * half + 16 * (g % 2);
      for (std::size_t i = 0; i < 16; ++i) {
        const unsigned code = field(low[i], 4 * (run / 2), 4) | (field(high[i], 2 * run, 2) << 4);
        out[16 * g + i] = scale * static_cast<float>(static_cast<int>(code) - 32);
      }
    }
  }
};

/// Layout: f32 d, 256 signed bytes, 16 sums of 16 codes, which are not needed.
struct BlockQ8_K : Super256 {
  static constexpr std::size_t kBytes = 292;

  static void expand(const std::uint8_t* block, float* out) {
    float d = 0.0F;
    std::memcpy(&d, block, sizeof d);
    for (std::size_t i = 0; i < kBlock; ++i) out[i] = d * static_cast<float>(static_cast<std::int8_t>(block[4 + i]));
  }
};

}  // namespace

void dequantize_q2_k(const std::uint8_t* source, std::size_t blocks, float* destination) {
  expand_blocks<BlockQ2_K>(source, blocks, destination);
}

void dequantize_q3_k(const std::uint8_t* source, std::size_t blocks, float* destination) {
  expand_blocks<BlockQ3_K>(source, blocks, destination);
}

void dequantize_q4_k(const std::uint8_t* source, std::size_t blocks, float* destination) {
  expand_blocks<BlockMinK<false>>(source, blocks, destination);
}

void dequantize_q5_k(const std::uint8_t* source, std::size_t blocks, float* destination) {
  expand_blocks<BlockMinK<true>>(source, blocks, destination);
}

void dequantize_q6_k(const std::uint8_t* source, std::size_t blocks, float* destination) {
  expand_blocks<BlockQ6_K>(source, blocks, destination);
}

void dequantize_q8_k(const std::uint8_t* source, std::size_t blocks, float* destination) {
  expand_blocks<BlockQ8_K>(source, blocks, destination);
}

}  // namespace pith::weights
