#include "weights/dequantize_blocks.h"
#include "weights/iq4_levels.h"

// Types whose 4-bit codes are indices into 16 unevenly spaced levels.
namespace pith::weights {
namespace {

/// Expands 16 bytes whose low nibbles are weights 0 to 15 and whose high nibbles are weights 16 to 31.
void expand_levels(const std::uint8_t* nibbles, float scale, float* out) {
  for (std::size_t i = 0; i < 16; ++i) {
    out[i] = scale * kLevelsIQ4[field(nibbles[i], 0, 4)];
    out[16 + i] = scale * kLevelsIQ4[field(nibbles[i], 4, 4)];
  }
}

struct BlockIQ4_NL {
  static constexpr std::size_t kElements = 32;
  static constexpr std::size_t kBytes = 18;

  static void expand(const std::uint8_t* block, float* out) { expand_levels(block + 2, read_f16(block), out); }
};

/// Layout: d, 2 bytes with the high 2 bits of the scales, 4 with their low nibbles, then 8 groups as in IQ4_NL. Scales
/// have 6 bits with zero point 32. d * scale is rounded to float32 before it is multiplied with the levels.
struct BlockIQ4_XS {
  static constexpr std::size_t kElements = 256;
  static constexpr std::size_t kBytes = 136;

  static void expand(const std::uint8_t* block, float* out) {
    const float d = read_f16(block);
    for (std::size_t g = 0; g < 8; ++g) {
      const unsigned low = field(block[4 + g / 2], 4 * (g % 2), 4);
      const unsigned high = field(block[2 + g / 4], 2 * (g % 4), 2);
      const float scale = d * static_cast<float>(static_cast<int>(low | (high << 4)) - 32);
      expand_levels(block + 8 + 16 * g, scale, out + 32 * g);
    }
  }
};

}  // namespace

void dequantize_iq4_nl(const std::uint8_t* source, std::size_t blocks, float* destination) {
  expand_blocks<BlockIQ4_NL>(source, blocks, destination);
}

void dequantize_iq4_xs(const std::uint8_t* source, std::size_t blocks, float* destination) {
  expand_blocks<BlockIQ4_XS>(source, blocks, destination);
}

}  // namespace pith::weights
