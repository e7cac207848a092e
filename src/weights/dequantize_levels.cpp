#include "kernels/levels.h"
#include "weights/dequantize_blocks.h"
#include "weights/fp4.h"
#include "weights/level_codes.h"

// Types whose codes are indices of a few levels, IQ4_NL and IQ4_XS aside.
namespace pith::weights {
namespace {

/// Layout: exponent, 16 bytes whose low nibbles are weights 0 to 15 and whose high nibbles are weights 16 to 31.
struct BlockMXFP4 {
  static constexpr std::size_t kElements = 32;
  static constexpr std::size_t kBytes = 17;

  static void expand(const std::uint8_t* block, float* out) {
    const float scale = scale_mxfp4(block[0]);
    for (std::size_t i = 0; i < 32; ++i) {
      out[i] = scale * level(kernels::kLevelsE2M1, field(block[1 + i % 16], i < 16 ? 0 : 4, 4));
    }
  }
};

/// Layout: 4 scales, then 8 bytes for each 16 weights, the first 8 in the low nibbles.
struct BlockNVFP4 {
  static constexpr std::size_t kElements = 64;
  static constexpr std::size_t kBytes = 36;

  static void expand(const std::uint8_t* block, float* out) {
    for (std::size_t i = 0; i < 64; ++i) {
      const float scale = scale_nvfp4(packed_scale_nvfp4(block[i / 16]));
      const std::uint8_t byte = block[4 + i / 16 * 8 + i % 8];
      out[i] = scale * level(kernels::kLevelsE2M1, field(byte, i % 16 < 8 ? 0 : 4, 4));
    }
  }
};

template <LevelCodes (*read)(const std::uint8_t*), std::size_t bytes, const auto& levels>
struct Block256 {
  static constexpr std::size_t kElements = 256;
  static constexpr std::size_t kBytes = bytes;

  static void expand(const std::uint8_t* block, float* out) {
    const LevelCodes from = read(block);
    const float d = f16_to_f32(from.d) * levels.unit;
    for (std::size_t c = 0; c < kElements; ++c) {
      out[c] = d * static_cast<float>(from.scales[c / 16]) * level(levels, from.codes[c]);
    }
  }
};

}  // namespace

void dequantize_mxfp4(const std::uint8_t* source, std::size_t blocks, float* destination) {
  expand_blocks<BlockMXFP4>(source, blocks, destination);
}

void dequantize_nvfp4(const std::uint8_t* source, std::size_t blocks, float* destination) {
  expand_blocks<BlockNVFP4>(source, blocks, destination);
}

void dequantize_iq1_s(const std::uint8_t* source, std::size_t blocks, float* destination) {
  expand_blocks<Block256<read_iq1_s, 50, kernels::kLevelsIQ1>>(source, blocks, destination);
}

void dequantize_iq1_m(const std::uint8_t* source, std::size_t blocks, float* destination) {
  expand_blocks<Block256<read_iq1_m, 56, kernels::kLevelsIQ1>>(source, blocks, destination);
}

void dequantize_iq2_xxs(const std::uint8_t* source, std::size_t blocks, float* destination) {
  expand_blocks<Block256<read_iq2_xxs, 66, kernels::kLevelsIQ2>>(source, blocks, destination);
}

void dequantize_iq2_xs(const std::uint8_t* source, std::size_t blocks, float* destination) {
  expand_blocks<Block256<read_iq2_xs, 74, kernels::kLevelsIQ2>>(source, blocks, destination);
}

void dequantize_iq2_s(const std::uint8_t* source, std::size_t blocks, float* destination) {
  expand_blocks<Block256<read_iq2_s, 82, kernels::kLevelsIQ2>>(source, blocks, destination);
}

void dequantize_iq3_xxs(const std::uint8_t* source, std::size_t blocks, float* destination) {
  expand_blocks<Block256<read_iq3_xxs, 98, kernels::kLevelsIQ3_XXS>>(source, blocks, destination);
}

void dequantize_iq3_s(const std::uint8_t* source, std::size_t blocks, float* destination) {
  expand_blocks<Block256<read_iq3_s, 110, kernels::kLevelsIQ3_S>>(source, blocks, destination);
}

void dequantize_tq1_0(const std::uint8_t* source, std::size_t blocks, float* destination) {
  expand_blocks<Block256<read_tq1_0, 54, kernels::kLevelsTernary>>(source, blocks, destination);
}

void dequantize_tq2_0(const std::uint8_t* source, std::size_t blocks, float* destination) {
  expand_blocks<Block256<read_tq2_0, 66, kernels::kLevelsTernary>>(source, blocks, destination);
}

}  // namespace pith::weights
