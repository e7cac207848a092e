#include <algorithm>
#include <cmath>

#include "weights/quantize_blocks.h"

// Plain elements, and blocks of 32 weights: each operation is rounded to float32 in the order of the Python package
// gguf, whose bits these are. dequantize_legacy.cpp describes the layouts.
namespace pith::weights {
namespace {

/// Returns the first weight of largest magnitude, with its sign.
float largest(const float* x, std::size_t count) {
  return *std::max_element(x, x + count, [](float a, float b) { return std::fabs(a) < std::fabs(b); });
}

/// 4 or 5 bits, with a minimum or with a zero point.
template <bool has_min, bool has_fifth>
struct MakeNibbles {
  static constexpr std::size_t kElements = 32;
  static constexpr std::size_t kFifthAt = has_min ? 4 : 2;
  static constexpr std::size_t kNibblesAt = kFifthAt + (has_fifth ? 4 : 0);
  static constexpr std::size_t kBytes = kNibblesAt + 16;
  static constexpr unsigned kLevels = has_fifth ? 32 : 16;
  /// The zero point of types without a minimum.
  static constexpr float kZero = has_fifth ? 16.0F : 8.0F;

  static void make(const float* x, std::uint8_t* out) {
    const float low = has_min ? *std::min_element(x, x + kElements) : 0.0F;
    const float d = has_min ? (*std::max_element(x, x + kElements) - low) / static_cast<float>(kLevels - 1)
                            : largest(x, kElements) / -kZero;
    const float per_d = inverse(d);
    write_f16(out, d);
    if constexpr (has_min) write_f16(out + 2, low);
    constexpr float kRounding = has_min ? 0.5F : kZero + 0.5F;
    for (std::size_t i = 0; i < kElements; ++i) {
      const unsigned code = whole_code((x[i] - low) * per_d + kRounding, kLevels - 1);
      set_bits(out[kNibblesAt + i % 16], code & 15U, i < 16 ? 0 : 4);
      if constexpr (has_fifth) set_bits(out[kFifthAt + i / 8], code >> 4, i % 8);
    }
  }
};

struct MakeBytes {
  static constexpr std::size_t kElements = 32;
  static constexpr std::size_t kBytes = 34;

  static void make(const float* x, std::uint8_t* out) {
    const float d = std::fabs(largest(x, kElements)) / 127.0F;
    const float per_d = inverse(d);
    write_f16(out, d);
    for (std::size_t i = 0; i < kElements; ++i) out[2 + i] = static_cast<std::uint8_t>(nearest_code(x[i] * per_d));
  }
};

}  // namespace

void quantize_f32(const float* source, std::size_t blocks, std::uint8_t* destination) {
  std::copy_n(reinterpret_cast<const std::uint8_t*>(source), blocks * sizeof(float), destination);
}

void quantize_f16(const float* source, std::size_t blocks, std::uint8_t* destination) {
  for (std::size_t i = 0; i < blocks; ++i) write_f16(destination + 2 * i, source[i]);
}

void quantize_bf16(const float* source, std::size_t blocks, std::uint8_t* destination) {
  for (std::size_t i = 0; i < blocks; ++i) write_u16(destination + 2 * i, f32_to_bf16(source[i]));
}

void quantize_q4_0(const float* source, std::size_t blocks, std::uint8_t* destination) {
  make_blocks<MakeNibbles<false, false>>(source, blocks, destination);
}

void quantize_q4_1(const float* source, std::size_t blocks, std::uint8_t* destination) {
  make_blocks<MakeNibbles<true, false>>(source, blocks, destination);
}

void quantize_q5_0(const float* source, std::size_t blocks, std::uint8_t* destination) {
  make_blocks<MakeNibbles<false, true>>(source, blocks, destination);
}

void quantize_q5_1(const float* source, std::size_t blocks, std::uint8_t* destination) {
  make_blocks<MakeNibbles<true, true>>(source, blocks, destination);
}

void quantize_q8_0(const float* source, std::size_t blocks, std::uint8_t* destination) {
  make_blocks<MakeBytes>(source, blocks, destination);
}

}  // namespace pith::weights
