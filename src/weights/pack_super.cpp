#include "base/half.h"
#include "weights/pack_formats.h"
#include "weights/pack_lines.h"

// Types with super-blocks of 256 columns: Q2_K to Q6_K and IQ4_XS. A packed block is f16 d[16], f16 dmin[16] where the
// type has minimums, then 8 groups of 32 columns, each with the small integer scales of its 16 rows and its codes. The
// comments below give the layouts of GGUF blocks.
namespace pith::weights {
namespace {

constexpr std::size_t kGroupsPerBlock = 8;

float half_at(const std::uint8_t* lanes, std::size_t row) { return f16_to_f32(load_u16(lanes + 2 * row)); }

/// The 6-bit scales and minimums of Q4_K and Q5_K: 8 of each in 12 bytes.
struct ScaleMin {
  std::uint8_t scale, min;
};
ScaleMin scale_min_k4(const std::uint8_t* packed, std::size_t group) {
  if (group < 4)
    return {static_cast<std::uint8_t>(packed[group] & 63U), static_cast<std::uint8_t>(packed[group + 4] & 63U)};
  const unsigned low = packed[group + 4];
  return {static_cast<std::uint8_t>((low & 15U) | ((static_cast<unsigned>(packed[group - 4]) >> 6) << 4)),
          static_cast<std::uint8_t>((low >> 4) | ((static_cast<unsigned>(packed[group]) >> 6) << 4))};
}

/// Q4_K and Q5_K: d, dmin, 12 bytes of scales, 32 of fifth bits if has_fifth, 128 of nibbles. Groups 2i and 2i + 1
/// share 32 bytes of nibbles.
template <bool has_fifth>
struct BlockMinK {
  static constexpr std::size_t kGroupBytes = 32 + 4 * kLine + (has_fifth ? kLine : 0);
  static constexpr std::size_t kBytes = 64 + kGroupsPerBlock * kGroupBytes;

  static void pack(const std::uint8_t* source, std::size_t row, std::uint8_t* block) {
    put_half(source, row, block);
    put_half(source + 2, row, block + 32);
    const std::uint8_t* fifth = source + 16;
    const std::uint8_t* nibbles = source + 16 + (has_fifth ? 32 : 0);
    for (std::size_t g = 0; g < kGroupsPerBlock; ++g) {
      std::uint8_t* group = block + 64 + g * kGroupBytes;
      const ScaleMin sm = scale_min_k4(source + 4, g);
      group[row] = sm.scale;
      group[16 + row] = sm.min;
      put_fields<4>(nibbles + 32 * (g / 2), g % 2 == 0 ? 0 : 4, row, group + 32);
      if constexpr (has_fifth) put_fields<1>(fifth, static_cast<unsigned>(g), row, group + 32 + 4 * kLine);
    }
  }

  static void unpack(const std::uint8_t* block, std::size_t row, float* out) {
    for (std::size_t g = 0; g < kGroupsPerBlock; ++g) {
      const std::uint8_t* group = block + 64 + g * kGroupBytes;
      const float scale = half_at(block, row) * static_cast<float>(group[row]);
      const float min = half_at(block + 32, row) * static_cast<float>(group[16 + row]);
      for (std::size_t c = 0; c < 32; ++c) {
        unsigned code = Nibbles::get(group + 32, row, c);
        if constexpr (has_fifth) code |= Bits::get(group + 32 + 4 * kLine, row, c) << 4;
        out[32 * g + c] = scale * static_cast<float>(code) - min;
      }
    }
  }
};

/// Q6_K: 128 bytes of low nibbles, 64 of high 2-bit pairs, 16 signed scales, d. Each half of the block has 4 quarters
/// of 32 columns: quarters 0 and 1 in the low nibbles, 2 and 3 in the high nibbles of the same bytes.
struct BlockQ6_K {
  static constexpr std::size_t kGroupBytes = 32 + 4 * kLine + 2 * kLine;
  static constexpr std::size_t kBytes = 32 + kGroupsPerBlock * kGroupBytes;

  static void pack(const std::uint8_t* source, std::size_t row, std::uint8_t* block) {
    put_half(source + 208, row, block);
    for (std::size_t g = 0; g < kGroupsPerBlock; ++g) {
      std::uint8_t* group = block + 32 + g * kGroupBytes;
      group[row] = source[192 + 2 * g];
      group[16 + row] = source[192 + 2 * g + 1];
      const std::size_t half = g / 4;
      const std::size_t quarter = g % 4;
      put_fields<4>(source + 64 * half + 32 * (quarter % 2), quarter < 2 ? 0 : 4, row, group + 32);
      put_fields<2>(source + 128 + 32 * half, static_cast<unsigned>(2 * quarter), row, group + 32 + 4 * kLine);
    }
  }

  static void unpack(const std::uint8_t* block, std::size_t row, float* out) {
    for (std::size_t g = 0; g < kGroupsPerBlock; ++g) {
      const std::uint8_t* group = block + 32 + g * kGroupBytes;
      for (std::size_t c = 0; c < 32; ++c) {
        const auto sub = static_cast<std::int8_t>(group[16 * (c / 16) + row]);
        const float scale = half_at(block, row) * static_cast<float>(sub);
        const unsigned code = Nibbles::get(group + 32, row, c) | (Pairs::get(group + 32 + 4 * kLine, row, c) << 4);
        out[32 * g + c] = scale * static_cast<float>(static_cast<int>(code) - 32);
      }
    }
  }
};

/// Unpacks one of the 16 6-bit scales of Q3_K, which take 12 bytes; their zero point is 32.
std::int8_t scale_k3(const std::uint8_t* packed, std::size_t i) {
  const unsigned low = i < 8 ? packed[i] & 15U : static_cast<unsigned>(packed[i - 8]) >> 4;
  const unsigned high = (static_cast<unsigned>(packed[8 + i % 4]) >> (2 * (i / 4))) & 3U;
  return static_cast<std::int8_t>(static_cast<int>(low | (high << 4)) - 32);
}

/// Q3_K: 32 bytes of third bits, 64 of 2-bit pairs, 12 of scales, d. The code is third bit * 4 + pair, with zero point
/// 4.
struct BlockQ3_K {
  static constexpr std::size_t kGroupBytes = 32 + 2 * kLine + kLine;
  static constexpr std::size_t kBytes = 32 + kGroupsPerBlock * kGroupBytes;

  static void pack(const std::uint8_t* source, std::size_t row, std::uint8_t* block) {
    put_half(source + 108, row, block);
    for (std::size_t g = 0; g < kGroupsPerBlock; ++g) {
      std::uint8_t* group = block + 32 + g * kGroupBytes;
      for (std::size_t half = 0; half < 2; ++half) {
        group[16 * half + row] = static_cast<std::uint8_t>(scale_k3(source + 96, 2 * g + half));
      }
      put_fields<2>(source + 32 + 32 * (g / 4), static_cast<unsigned>(2 * (g % 4)), row, group + 32);
      put_fields<1>(source, static_cast<unsigned>(g), row, group + 32 + 2 * kLine);
    }
  }

  static void unpack(const std::uint8_t* block, std::size_t row, float* out) {
    for (std::size_t g = 0; g < kGroupsPerBlock; ++g) {
      const std::uint8_t* group = block + 32 + g * kGroupBytes;
      for (std::size_t c = 0; c < 32; ++c) {
        const auto sub = static_cast<std::int8_t>(group[16 * (c / 16) + row]);
        const float scale = half_at(block, row) * static_cast<float>(sub);
        const unsigned code = Pairs::get(group + 32, row, c) | (Bits::get(group + 32 + 2 * kLine, row, c) << 2);
        out[32 * g + c] = scale * static_cast<float>(static_cast<int>(code) - 4);
      }
    }
  }
};

/// Q2_K: 16 bytes of 4-bit scales (low nibble) and minimums (high nibble), 64 of 2-bit pairs, d, dmin.
struct BlockQ2_K {
  static constexpr std::size_t kGroupBytes = 32 + 2 * kLine;
  static constexpr std::size_t kBytes = 64 + kGroupsPerBlock * kGroupBytes;

  static void pack(const std::uint8_t* source, std::size_t row, std::uint8_t* block) {
    put_half(source + 80, row, block);
    put_half(source + 82, row, block + 32);
    for (std::size_t g = 0; g < kGroupsPerBlock; ++g) {
      std::uint8_t* group = block + 64 + g * kGroupBytes;
      group[row] = source[2 * g];
      group[16 + row] = source[2 * g + 1];
      put_fields<2>(source + 16 + 32 * (g / 4), static_cast<unsigned>(2 * (g % 4)), row, group + 32);
    }
  }

  static void unpack(const std::uint8_t* block, std::size_t row, float* out) {
    for (std::size_t g = 0; g < kGroupsPerBlock; ++g) {
      const std::uint8_t* group = block + 64 + g * kGroupBytes;
      for (std::size_t c = 0; c < 32; ++c) {
        const unsigned sub = group[16 * (c / 16) + row];
        const float scale = half_at(block, row) * static_cast<float>(sub & 15U);
        const float min = half_at(block + 32, row) * static_cast<float>(sub >> 4);
        out[32 * g + c] = scale * static_cast<float>(Pairs::get(group + 32, row, c)) - min;
      }
    }
  }
};

/// IQ4_XS: d, 2 bytes with the high 2 bits of the scales, 4 with their low nibbles, 128 of nibbles.
struct BlockIQ4_XS {
  static constexpr std::size_t kGroupBytes = 16 + 4 * kLine;
  static constexpr std::size_t kBytes = 32 + kGroupsPerBlock * kGroupBytes;

  static void pack(const std::uint8_t* source, std::size_t row, std::uint8_t* block) {
    put_half(source, row, block);
    const unsigned high_bits = load_u16(source + 2);
    for (std::size_t g = 0; g < kGroupsPerBlock; ++g) {
      std::uint8_t* group = block + 32 + g * kGroupBytes;
      const unsigned low = (static_cast<unsigned>(source[4 + g / 2]) >> (4 * (g % 2))) & 15U;
      const unsigned high = (high_bits >> (2 * g)) & 3U;
      group[row] = static_cast<std::uint8_t>(static_cast<int>(low | (high << 4)) - 32);
      put_nibble_halves(source + 8 + 16 * g, row, group + 16);
    }
  }

  static void unpack(const std::uint8_t* block, std::size_t row, float* out) {
    for (std::size_t g = 0; g < kGroupsPerBlock; ++g) {
      const std::uint8_t* group = block + 32 + g * kGroupBytes;
      const float scale = half_at(block, row) * static_cast<float>(static_cast<std::int8_t>(group[row]));
      for (std::size_t c = 0; c < 32; ++c) out[32 * g + c] = scale * kIq4Values[Nibbles::get(group + 16, row, c)];
    }
  }
};

template <typename Block>
constexpr PackInfo block256(gguf::TensorType type, kernels::PackedFormat format) {
  return {type, format, 256, Block::kBytes, true, Block::pack, Block::unpack};
}

}  // namespace

using gguf::TensorType;
using kernels::PackedFormat;

const PackInfo kPackQ2_K = block256<BlockQ2_K>(TensorType::kQ2_K, PackedFormat::kQ2_K);
const PackInfo kPackQ3_K = block256<BlockQ3_K>(TensorType::kQ3_K, PackedFormat::kQ3_K);
const PackInfo kPackQ4_K = block256<BlockMinK<false>>(TensorType::kQ4_K, PackedFormat::kQ4_K);
const PackInfo kPackQ5_K = block256<BlockMinK<true>>(TensorType::kQ5_K, PackedFormat::kQ5_K);
const PackInfo kPackQ6_K = block256<BlockQ6_K>(TensorType::kQ6_K, PackedFormat::kQ6_K);
const PackInfo kPackIQ4_XS = block256<BlockIQ4_XS>(TensorType::kIQ4_XS, PackedFormat::kIQ4_XS);

}  // namespace pith::weights
