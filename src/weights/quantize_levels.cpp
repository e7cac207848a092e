#include <algorithm>
#include <array>
#include <cmath>

#include "kernels/levels.h"
#include "weights/fp4.h"
#include "weights/quantize_blocks.h"

// Ternary codes and 4-bit floats, with the bits of the Python package gguf. level_codes.cpp and dequantize_levels.cpp
// describe the layouts.
namespace pith::weights {
namespace {

float largest_magnitude(const float* x, std::size_t count) {
  float largest = 0.0F;
  for (std::size_t i = 0; i < count; ++i) largest = std::max(largest, std::fabs(x[i]));
  return largest;
}

/// 256 codes 0, 1 and 2 for -d, 0 and d, where d is the largest magnitude.
struct Ternary {
  float d;
  std::array<std::uint8_t, 256> codes;

  explicit Ternary(const float* x) : d(largest_magnitude(x, 256)), codes{} {
    const float per_d = inverse(d);
    for (std::size_t i = 0; i < 256; ++i) codes[i] = static_cast<std::uint8_t>(nearest_code(x[i] * per_d) + 1);
  }
};

struct MakeTQ2_0 {
  static constexpr std::size_t kElements = 256;
  static constexpr std::size_t kBytes = 66;

  static void make(const float* x, std::uint8_t* out) {
    const Ternary ternary(x);
    for (std::size_t c = 0; c < 256; ++c) set_bits(out[32 * (c / 128) + c % 32], ternary.codes[c], 2 * (c / 32 % 4));
    write_f16(out + 64, ternary.d);
  }
};

/// Packs `bytes` bytes of `digits` codes each. Byte j has codes j, j + bytes, …: digits of base 3, the first one the
/// most significant, as a fraction of 3^5 that is rounded up to a 256th.
const std::uint8_t* pack_trits(const std::uint8_t* codes, std::size_t bytes, std::size_t digits, std::uint8_t* out) {
  for (std::size_t j = 0; j < bytes; ++j) {
    unsigned number = 0;
    for (std::size_t k = 0; k < 5; ++k) number = 3 * number + (k < digits ? codes[j + k * bytes] : 0U);
    out[j] = static_cast<std::uint8_t>((number * 256 + 242) / 243);
  }
  return codes + bytes * digits;
}

struct MakeTQ1_0 {
  static constexpr std::size_t kElements = 256;
  static constexpr std::size_t kBytes = 54;

  static void make(const float* x, std::uint8_t* out) {
    const Ternary ternary(x);
    const std::uint8_t* codes = pack_trits(ternary.codes.data(), 32, 5, out);
    codes = pack_trits(codes, 16, 5, out + 32);
    pack_trits(codes, 4, 4, out + 48);
    write_f16(out + 52, ternary.d);
  }
};

/// Returns MXFP4's exponent for weights up to `largest`: the levels end at 6 times the scale, so that the largest
/// weight is in the last octave. Its logarithm is rounded to float32 before it is rounded down.
std::uint8_t exponent_mxfp4(float largest) {
  if (largest == 0.0F) return 0;
  const auto logarithm = static_cast<float>(std::log2(static_cast<double>(largest)));
  // Below 2^-125 the package converts a negative number to an unsigned one, which is undefined.
  return static_cast<std::uint8_t>(std::max(std::floor(logarithm) + 125.0F, 0.0F));
}

struct MakeMXFP4 {
  static constexpr std::size_t kElements = 32;
  static constexpr std::size_t kBytes = 17;

  static void make(const float* x, std::uint8_t* out) {
    out[0] = exponent_mxfp4(largest_magnitude(x, kElements));
    const float scale = scale_mxfp4(out[0]);
    for (std::size_t i = 0; i < kElements; ++i) {
      // The first of the nearest levels, of which two are 0.
      unsigned best = 0;
      float least = std::fabs(x[i]);
      for (unsigned code = 1; code < 16; ++code) {
        const float error = std::fabs(scale * static_cast<float>(kernels::kLevelsE2M1.values[code]) - x[i]);
        if (error < least) {
          least = error;
          best = code;
        }
      }
      set_bits(out[1 + i % 16], best, i < 16 ? 0 : 4);
    }
  }
};

}  // namespace

void quantize_mxfp4(const float* source, std::size_t blocks, std::uint8_t* destination) {
  make_blocks<MakeMXFP4>(source, blocks, destination);
}

void quantize_tq1_0(const float* source, std::size_t blocks, std::uint8_t* destination) {
  make_blocks<MakeTQ1_0>(source, blocks, destination);
}

void quantize_tq2_0(const float* source, std::size_t blocks, std::uint8_t* destination) {
  make_blocks<MakeTQ2_0>(source, blocks, destination);
}

}  // namespace pith::weights
