#include "weights/fit_scale.h"
#include "weights/quantize_blocks.h"

// K-quants without minimums. dequantize_k.cpp describes the layouts.
namespace pith::weights {
namespace {

struct LevelsQ3_K : EvenLevels<-4, 3> {
  static constexpr float kStep = 0.05F;
};
struct LevelsQ6_K : EvenLevels<-32, 31> {
  static constexpr float kStep = 0.01F;
};
constexpr ScaleShape kShapeQ3_K{.groups = 16, .group = 16, .scale_least = -32.0F, .scale_most = 31.0F};
constexpr ScaleShape kShapeQ6_K{.groups = 16, .group = 16, .scale_least = -128.0F, .scale_most = 127.0F};

struct MakeQ3_K {
  static constexpr std::size_t kElements = 256;
  static constexpr std::size_t kBytes = 110;

  static void make(const float* x, std::uint8_t* out) {
    const auto super = fit_super_scale<LevelsQ3_K, kShapeQ3_K>(x);
    write_f16(out + 108, super.d);
    for (std::size_t g = 0; g < 16; ++g) {
      const auto scale = static_cast<unsigned>(super.scales[g] + 32.0F);
      set_bits(out[96 + g % 8], scale & 15U, 4 * (g / 8));
      set_bits(out[104 + g % 4], scale >> 4, 2 * (g / 4));
      std::uint8_t* thirds = out + 16 * (g % 2);
      std::uint8_t* codes = out + 32 + 32 * (g / 8) + 16 * (g % 2);
      for (std::size_t i = 0; i < 16; ++i) {
        const auto code = static_cast<unsigned>(element(super.levels[g], i) + 4.0F);
        set_bits(codes[i], code & 3U, 2 * (g / 2 % 4));
        set_bits(thirds[i], code >> 2, g / 2);
      }
    }
  }
};

struct MakeQ6_K {
  static constexpr std::size_t kElements = 256;
  static constexpr std::size_t kBytes = 210;

  static void make(const float* x, std::uint8_t* out) {
    const auto super = fit_super_scale<LevelsQ6_K, kShapeQ6_K>(x);
    write_f16(out + 208, super.d);
    for (std::size_t g = 0; g < 16; ++g) {
      out[192 + g] = static_cast<std::uint8_t>(static_cast<int>(super.scales[g]));
      const std::size_t half = g / 8;
      const std::size_t run = g / 2 % 4;
      std::uint8_t* low = out + 64 * half + 32 * (run % 2) + 16 * (g % 2);
      std::uint8_t* high = out + 128 + 32 * half + 16 * (g % 2);
      for (std::size_t i = 0; i < 16; ++i) {
        const auto code = static_cast<unsigned>(element(super.levels[g], i) + 32.0F);
        set_bits(low[i], code & 15U, 4 * (run / 2));
        set_bits(high[i], code >> 4, 2 * run);
      }
    }
  }
};

}  // namespace

void quantize_q3_k(const float* source, std::size_t blocks, std::uint8_t* destination) {
  make_blocks<MakeQ3_K>(source, blocks, destination);
}

void quantize_q6_k(const float* source, std::size_t blocks, std::uint8_t* destination) {
  make_blocks<MakeQ6_K>(source, blocks, destination);
}

}  // namespace pith::weights
