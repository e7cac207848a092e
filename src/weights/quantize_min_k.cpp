#include "weights/fit_min.h"
#include "weights/quantize_blocks.h"

// K-quants with minimums. dequantize_k.cpp describes the layouts.
namespace pith::weights {
namespace {

constexpr MinShape kShapeQ2_K{.groups = 16, .group = 16, .code_max = 3.0F, .scale_max = 15.0F};
constexpr MinShape kShapeQ4_K{.groups = 8, .group = 32, .code_max = 15.0F, .scale_max = 63.0F};
constexpr MinShape kShapeQ5_K{.groups = 8, .group = 32, .code_max = 31.0F, .scale_max = 63.0F};

struct MakeQ2_K {
  static constexpr std::size_t kElements = 256;
  static constexpr std::size_t kBytes = 84;

  static void make(const float* x, std::uint8_t* out) {
    const auto super = fit_super_min<kShapeQ2_K>(x);
    write_f16(out + 80, super.d);
    write_f16(out + 82, super.dmin);
    for (std::size_t g = 0; g < 16; ++g) {
      set_bits(out[g], static_cast<unsigned>(super.scales[g]), 0);
      set_bits(out[g], static_cast<unsigned>(super.mins[g]), 4);
      std::uint8_t* codes = out + 16 + 32 * (g / 8) + 16 * (g % 2);
      for (std::size_t i = 0; i < 16; ++i) {
        set_bits(codes[i], static_cast<unsigned>(element(super.codes[g], i)), 2 * (g / 2 % 4));
      }
    }
  }
};

/// Writes the 6-bit scale and minimum of a group of Q4_K and Q5_K.
void write_scale_min(std::uint8_t* packed, std::size_t g, unsigned scale, unsigned min) {
  if (g < 4) {
    set_bits(packed[g], scale, 0);
    set_bits(packed[g + 4], min, 0);
    return;
  }
  set_bits(packed[g + 4], scale & 15U, 0);
  set_bits(packed[g + 4], min & 15U, 4);
  set_bits(packed[g - 4], scale >> 4, 6);
  set_bits(packed[g], min >> 4, 6);
}

template <bool has_fifth>
struct MakeMinK {
  static constexpr std::size_t kElements = 256;
  static constexpr std::size_t kNibblesAt = has_fifth ? 48 : 16;
  static constexpr std::size_t kBytes = kNibblesAt + 128;

  static void make(const float* x, std::uint8_t* out) {
    const auto super = fit_super_min < has_fifth ? kShapeQ5_K : kShapeQ4_K > (x);
    write_f16(out, super.d);
    write_f16(out + 2, super.dmin);
    for (std::size_t g = 0; g < 8; ++g) {
      write_scale_min(out + 4, g, static_cast<unsigned>(super.scales[g]), static_cast<unsigned>(super.mins[g]));
      for (std::size_t i = 0; i < 32; ++i) {
        const auto code = static_cast<unsigned>(element(super.codes[g], i));
        set_bits(out[kNibblesAt + 32 * (g / 2) + i], code & 15U, 4 * (g % 2));
        if constexpr (has_fifth) set_bits(out[16 + i], code >> 4, g);
      }
    }
  }
};

}  // namespace

void quantize_q2_k(const float* source, std::size_t blocks, std::uint8_t* destination) {
  make_blocks<MakeQ2_K>(source, blocks, destination);
}

void quantize_q4_k(const float* source, std::size_t blocks, std::uint8_t* destination) {
  make_blocks<MakeMinK<false>>(source, blocks, destination);
}

void quantize_q5_k(const float* source, std::size_t blocks, std::uint8_t* destination) {
  make_blocks<MakeMinK<true>>(source, blocks, destination);
}

}  // namespace pith::weights
