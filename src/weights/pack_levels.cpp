#include <cmath>

#include "base/half.h"
#include "kernels/levels.h"
#include "weights/fp4.h"
#include "weights/level_codes.h"
#include "weights/pack_formats.h"
#include "weights/pack_lines.h"

// Types whose codes are indices of the levels in kernels/levels.h, and Q8_K. Types with the same levels share a packed
// format, because only the file packs them differently.
namespace pith::weights {
namespace {

/// The packed block: u8 exponent[16], 4 lines of nibbles.
struct BlockMXFP4 {
  static constexpr std::size_t kColumns = 32;
  static constexpr std::size_t kBytes = 16 + 4 * kLine;

  static void pack(const std::uint8_t* source, std::size_t row, std::uint8_t* block) {
    block[row] = source[0];
    put_nibble_halves(source + 1, row, block + 16);
  }

  static void unpack(const std::uint8_t* block, std::size_t row, float* out) {
    const float scale = scale_mxfp4(block[row]);
    for (std::size_t c = 0; c < kColumns; ++c) {
      out[c] = scale * level(kernels::kLevelsE2M1, Nibbles::get(block + 16, row, c));
    }
  }
};

/// The packed block: 2 groups of u8 scale[2][16] and 4 lines of nibbles. In the file, 16 columns have 8 bytes, and the
/// first 8 columns are their low nibbles.
struct BlockNVFP4 {
  static constexpr std::size_t kColumns = 64;
  static constexpr std::size_t kGroupBytes = 32 + 4 * kLine;
  static constexpr std::size_t kBytes = 2 * kGroupBytes;

  static void pack(const std::uint8_t* source, std::size_t row, std::uint8_t* block) {
    for (std::size_t h = 0; h < 4; ++h) {
      std::uint8_t* group = block + h / 2 * kGroupBytes;
      group[16 * (h % 2) + row] = packed_scale_nvfp4(source[h]);
      const std::uint8_t* nibbles = source + 4 + 8 * h;
      for (std::size_t v = 0; v < 4; ++v) {
        const FourCodes codes = fields(load_four(nibbles + 4 * (v % 2)), v < 2 ? 0 : 4, 4);
        Nibbles::put(group + 32, row, 4 * (h % 2) + v, codes);
      }
    }
  }

  static void unpack(const std::uint8_t* block, std::size_t row, float* out) {
    for (std::size_t c = 0; c < kColumns; ++c) {
      const std::uint8_t* group = block + c / 32 * kGroupBytes;
      const float scale = scale_nvfp4(group[16 * (c % 32 / 16) + row]);
      out[c] = scale * level(kernels::kLevelsE2M1, Nibbles::get(group + 32, row, c % 32));
    }
  }
};

/// The packed block: f32 d[16], then 8 groups of 8 lines of bytes.
struct BlockQ8_K {
  static constexpr std::size_t kColumns = 256;
  static constexpr std::size_t kBytes = 64 + 8 * 8 * kLine;

  static void pack(const std::uint8_t* source, std::size_t row, std::uint8_t* block) {
    std::memcpy(block + 4 * row, source, 4);
    for (std::size_t v = 0; v < 64; ++v) {
      BytePlane::put(block + 64, row, v, load_four(source + 4 + 4 * v) ^ four(0x80));
    }
  }

  static void unpack(const std::uint8_t* block, std::size_t row, float* out) {
    float d = 0.0F;
    std::memcpy(&d, block + 4 * row, 4);
    for (std::size_t c = 0; c < kColumns; ++c) {
      out[c] = d * static_cast<float>(static_cast<int>(BytePlane::get(block + 64, row, c)) - 128);
    }
  }
};

/// Codes of 4 bits: 4 lines of nibbles.
struct Bits4 {
  static constexpr std::size_t kBytes = 4 * kLine;
  static void put(const std::uint8_t* codes, std::size_t row, std::uint8_t* lines) {
    put_fields<4>(codes, 0, row, lines);
  }
  static unsigned get(const std::uint8_t* lines, std::size_t row, std::size_t c) { return Nibbles::get(lines, row, c); }
};
/// Codes of 3 bits: 2 lines of pairs, 1 line of third bits.
struct Bits3 {
  static constexpr std::size_t kBytes = 3 * kLine;
  static void put(const std::uint8_t* codes, std::size_t row, std::uint8_t* lines) {
    put_fields<2>(codes, 0, row, lines);
    put_fields<1>(codes, 2, row, lines + 2 * kLine);
  }
  static unsigned get(const std::uint8_t* lines, std::size_t row, std::size_t c) {
    return Pairs::get(lines, row, c) | Bits::get(lines + 2 * kLine, row, c) << 2;
  }
};
/// Codes of 2 bits: 2 lines of pairs.
struct Bits2 {
  static constexpr std::size_t kBytes = 2 * kLine;
  static void put(const std::uint8_t* codes, std::size_t row, std::uint8_t* lines) {
    put_fields<2>(codes, 0, row, lines);
  }
  static unsigned get(const std::uint8_t* lines, std::size_t row, std::size_t c) { return Pairs::get(lines, row, c); }
};

/// The packed block: f16 d[16], then 8 groups of i8 scale[scales][16] and codes. `scales` is 2 if each half of a group
/// has its own, 1 if they share one, 0 if all are 1.
template <LevelCodes (*read)(const std::uint8_t*), const auto& levels, typename Codes, std::size_t scales>
struct Block256 {
  static constexpr std::size_t kColumns = 256;
  static constexpr std::size_t kGroupBytes = 16 * scales + Codes::kBytes;
  static constexpr std::size_t kBytes = 32 + 8 * kGroupBytes;

  static void pack(const std::uint8_t* source, std::size_t row, std::uint8_t* block) {
    const LevelCodes from = read(source);
    std::memcpy(block + 2 * row, &from.d, 2);
    for (std::size_t g = 0; g < 8; ++g) {
      std::uint8_t* group = block + 32 + g * kGroupBytes;
      for (std::size_t i = 0; i < scales; ++i) group[16 * i + row] = from.scales[2 * g + i];
      Codes::put(&from.codes[32 * g], row, group + 16 * scales);
    }
  }

  static void unpack(const std::uint8_t* block, std::size_t row, float* out) {
    const float d = f16_to_f32(load_u16(block + 2 * row)) * levels.unit;
    for (std::size_t c = 0; c < kColumns; ++c) {
      const std::uint8_t* group = block + 32 + c / 32 * kGroupBytes;
      const unsigned scale = scales == 0 ? 1U : group[16 * (c % 32 * scales / 32) + row];
      out[c] = d * static_cast<float>(scale) * level(levels, Codes::get(group + 16 * scales, row, c % 32));
    }
  }
};

/// The packed block: f16 d[16], then 8 groups of i8 scale[16], which is negative where levels are shifted down, and 2
/// lines of pairs.
struct BlockIQ1_S {
  static constexpr std::size_t kColumns = 256;
  static constexpr std::size_t kGroupBytes = 16 + Bits2::kBytes;
  static constexpr std::size_t kBytes = 32 + 8 * kGroupBytes;

  static void pack(const std::uint8_t* source, std::size_t row, std::uint8_t* block) {
    const LevelCodes from = read_iq1_s(source);
    std::memcpy(block + 2 * row, &from.d, 2);
    for (std::size_t g = 0; g < 8; ++g) {
      std::uint8_t* group = block + 32 + g * kGroupBytes;
      const int scale = from.scales[2 * g];
      const bool down = (from.codes[32 * g] & 4U) != 0;
      group[row] = static_cast<std::uint8_t>(down ? -scale : scale);
      Bits2::put(&from.codes[32 * g], row, group + 16);
    }
  }

  static void unpack(const std::uint8_t* block, std::size_t row, float* out) {
    const float d = f16_to_f32(load_u16(block + 2 * row)) * kernels::kLevelsIQ1.unit;
    for (std::size_t c = 0; c < kColumns; ++c) {
      const std::uint8_t* group = block + 32 + c / 32 * kGroupBytes;
      const auto scale = static_cast<std::int8_t>(group[row]);
      const unsigned code = Bits2::get(group + 16, row, c % 32) | (scale < 0 ? 4U : 0U);
      out[c] = d * std::fabs(static_cast<float>(scale)) * level(kernels::kLevelsIQ1, code);
    }
  }
};

using BlockIQ1_M = Block256<read_iq1_m, kernels::kLevelsIQ1, Bits3, 2>;
template <LevelCodes (*read)(const std::uint8_t*)>
using BlockIQ2 = Block256<read, kernels::kLevelsIQ2, Bits3, 2>;
using BlockIQ3_XXS = Block256<read_iq3_xxs, kernels::kLevelsIQ3_XXS, Bits4, 1>;
using BlockIQ3_S = Block256<read_iq3_s, kernels::kLevelsIQ3_S, Bits4, 1>;
template <LevelCodes (*read)(const std::uint8_t*)>
using BlockTernary = Block256<read, kernels::kLevelsTernary, Bits2, 0>;

template <typename Block>
constexpr PackInfo info(gguf::TensorType type, kernels::PackedFormat format) {
  return {type, format, Block::kColumns, Block::kBytes, true, Block::pack, Block::unpack};
}

}  // namespace

using gguf::TensorType;
using kernels::PackedFormat;

const PackInfo kPackMXFP4 = info<BlockMXFP4>(TensorType::kMXFP4, PackedFormat::kMXFP4);
const PackInfo kPackNVFP4 = info<BlockNVFP4>(TensorType::kNVFP4, PackedFormat::kNVFP4);
const PackInfo kPackQ8_K = info<BlockQ8_K>(TensorType::kQ8_K, PackedFormat::kQ8_K);
const PackInfo kPackIQ1_S = info<BlockIQ1_S>(TensorType::kIQ1_S, PackedFormat::kIQ1_S);
const PackInfo kPackIQ1_M = info<BlockIQ1_M>(TensorType::kIQ1_M, PackedFormat::kIQ1_M);
const PackInfo kPackIQ2_XXS = info<BlockIQ2<read_iq2_xxs>>(TensorType::kIQ2_XXS, PackedFormat::kIQ2);
const PackInfo kPackIQ2_XS = info<BlockIQ2<read_iq2_xs>>(TensorType::kIQ2_XS, PackedFormat::kIQ2);
const PackInfo kPackIQ2_S = info<BlockIQ2<read_iq2_s>>(TensorType::kIQ2_S, PackedFormat::kIQ2);
const PackInfo kPackIQ3_XXS = info<BlockIQ3_XXS>(TensorType::kIQ3_XXS, PackedFormat::kIQ3_XXS);
const PackInfo kPackIQ3_S = info<BlockIQ3_S>(TensorType::kIQ3_S, PackedFormat::kIQ3_S);
const PackInfo kPackTQ1_0 = info<BlockTernary<read_tq1_0>>(TensorType::kTQ1_0, PackedFormat::kTQ2_0);
const PackInfo kPackTQ2_0 = info<BlockTernary<read_tq2_0>>(TensorType::kTQ2_0, PackedFormat::kTQ2_0);

}  // namespace pith::weights
