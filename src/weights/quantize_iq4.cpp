#include <algorithm>

#include "weights/fit_scale.h"
#include "weights/iq4_levels.h"
#include "weights/quantize_blocks.h"

// Types whose 4-bit codes are indices into 16 unevenly spaced levels. dequantize_iq.cpp describes the layouts.
namespace pith::weights {
namespace {

struct LevelsIQ4 {
  static constexpr float kLeast = kLevelsIQ4.front();
  static constexpr float kMost = kLevelsIQ4.back();
  static constexpr float kStep = 0.025F;

  /// Returns the limit between the levels of two codes.
  static constexpr float limit(std::size_t code) noexcept { return 0.5F * (kLevelsIQ4[code] + kLevelsIQ4[code + 1]); }

  /// Adds to the least level the steps to those whose limits are below the positions.
  static Lanes nearest(Lanes positions) noexcept {
    Lanes levels = Lanes{} + kLeast;
    for (std::size_t k = 0; k + 1 < kLevelsIQ4.size(); ++k) {
      const Lanes step = Lanes{} + (kLevelsIQ4[k + 1] - kLevelsIQ4[k]);
      levels += positions > limit(k) ? step : Lanes{};
    }
    return levels;
  }
};

constexpr ScaleShape kShapeIQ4_XS{.groups = 8, .group = 32, .scale_least = -32.0F, .scale_most = 31.0F};

/// Writes 16 bytes whose low nibbles are weights 0 to 15 and whose high nibbles are weights 16 to 31.
void write_levels(const Group<32>& levels, std::uint8_t* nibbles) {
  for (std::size_t i = 0; i < 32; ++i) {
    const auto at = std::find(kLevelsIQ4.begin(), kLevelsIQ4.end(), element(levels, i));
    set_bits(nibbles[i % 16], static_cast<unsigned>(at - kLevelsIQ4.begin()), i < 16 ? 0 : 4);
  }
}

struct MakeIQ4_NL {
  static constexpr std::size_t kElements = 32;
  static constexpr std::size_t kBytes = 18;

  static void make(const float* x, std::uint8_t* out) {
    const Group<32> weights = load_group<32>(x);
    const float d = scale_f16(fit_group_scale<LevelsIQ4, 32>(weights));
    write_f16(out, d);
    write_levels(levels_of<LevelsIQ4, 32>(weights, d), out + 2);
  }
};

struct MakeIQ4_XS {
  static constexpr std::size_t kElements = 256;
  static constexpr std::size_t kBytes = 136;

  static void make(const float* x, std::uint8_t* out) {
    const auto super = fit_super_scale<LevelsIQ4, kShapeIQ4_XS>(x);
    write_f16(out, super.d);
    for (std::size_t g = 0; g < 8; ++g) {
      const auto scale = static_cast<unsigned>(super.scales[g] + 32.0F);
      set_bits(out[4 + g / 2], scale & 15U, 4 * (g % 2));
      set_bits(out[2 + g / 4], scale >> 4, 2 * (g % 4));
      write_levels(super.levels[g], out + 8 + 16 * g);
    }
  }
};

}  // namespace

void quantize_iq4_nl(const float* source, std::size_t blocks, std::uint8_t* destination) {
  make_blocks<MakeIQ4_NL>(source, blocks, destination);
}

void quantize_iq4_xs(const float* source, std::size_t blocks, std::uint8_t* destination) {
  make_blocks<MakeIQ4_XS>(source, blocks, destination);
}

}  // namespace pith::weights
