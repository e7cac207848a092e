#include "support/random_weights.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <numbers>
#include <span>
#include <stdexcept>
#include <string>

#include "base/half.h"
#include "kernels/levels.h"
#include "weights/dequantize.h"

namespace pith::test {
namespace {

using gguf::TensorType;
using Bytes = std::vector<std::byte>;

constexpr std::size_t kLegacyBlock = 32;

void put_u16(std::byte* to, std::uint16_t value) { std::memcpy(to, &value, sizeof value); }

/// Returns the value of largest magnitude, with its sign.
float extreme(std::span<const float> values) {
  return *std::max_element(values.begin(), values.end(), [](float a, float b) { return std::abs(a) < std::abs(b); });
}

/// The layout of a block of 32: code = round((x - min) / scale), in `bits` bits.
struct Legacy {
  unsigned bits;
  bool has_min;
};

Legacy legacy_of(TensorType type) {
  switch (type) {
    case TensorType::kQ4_0:
      return {4, false};
    case TensorType::kQ4_1:
      return {4, true};
    case TensorType::kQ5_0:
      return {5, false};
    default:
      return {5, true};
  }
}

void quantize_legacy(const Legacy& legacy, std::span<const float> x, std::byte* block) {
  const auto levels = static_cast<float>((1U << legacy.bits) - 1U);
  const auto [low, high] = std::minmax_element(x.begin(), x.end());
  const float half = (levels + 1.0F) / 2.0F;
  const float scale = legacy.has_min ? (*high - *low) / levels : extreme(x) / -half;
  const float min = legacy.has_min ? *low : -half * scale;
  put_u16(block, f32_to_f16(scale));
  if (legacy.has_min) put_u16(block + 2, f32_to_f16(min));
  std::byte* fifths = block + (legacy.has_min ? 4 : 2);
  std::byte* nibbles = fifths + (legacy.bits == 5 ? 4 : 0);
  for (std::size_t i = 0; i < kLegacyBlock; ++i) {
    const float position = scale == 0.0F ? 0.0F : (x[i] - min) / scale;
    const auto code = static_cast<unsigned>(std::lround(std::clamp(position, 0.0F, levels)));
    nibbles[i % 16] |= static_cast<std::byte>((code & 15U) << (i < 16 ? 0 : 4));
    if (legacy.bits == 5) fifths[i / 8] |= static_cast<std::byte>((code >> 4) << (i % 8));
  }
}

void quantize_q8_0(std::span<const float> x, std::byte* block) {
  const float scale = std::abs(extreme(x)) / 127.0F;
  put_u16(block, f32_to_f16(scale));
  for (std::size_t i = 0; i < kLegacyBlock; ++i) {
    const float code = scale == 0.0F ? 0.0F : x[i] / scale;
    block[2 + i] = static_cast<std::byte>(static_cast<std::uint8_t>(std::lround(code)));
  }
}

/// MXFP4: the smallest power of 2 with which no value exceeds the largest level, and the nearest levels.
void quantize_mxfp4(std::span<const float> x, std::byte* block) {
  constexpr auto kMagnitudes = std::span(kernels::kLevelsE2M1.values).first(8);
  int exponent = 0;
  std::frexp(std::abs(extreme(x)) / static_cast<float>(kMagnitudes.back()), &exponent);
  block[0] = static_cast<std::byte>(std::clamp(exponent + 128, 0, 252));
  for (std::size_t i = 0; i < kLegacyBlock; ++i) {
    const float magnitude = std::ldexp(std::abs(x[i]), -exponent);
    const auto nearest = std::min_element(kMagnitudes.begin(), kMagnitudes.end(), [&](std::int8_t a, std::int8_t b) {
      return std::abs(magnitude - static_cast<float>(a)) < std::abs(magnitude - static_cast<float>(b));
    });
    const auto code = static_cast<unsigned>(nearest - kMagnitudes.begin()) | (x[i] < 0.0F ? 8U : 0U);
    block[1 + i % 16] |= static_cast<std::byte>(code << (i < 16 ? 0 : 4));
  }
}

/// Where a type with random codes has its scale and, if it has one, the scale of its minimums, as a multiple that gives
/// the weights a mean near 0.
struct RandomCodes {
  TensorType type;
  std::size_t scale_at;
  std::size_t min_at;
  float min_ratio;
};

constexpr std::array<RandomCodes, 18> kRandomCodes = {{
    {TensorType::kQ2_K, 80, 82, 1.5F},
    {TensorType::kQ3_K, 108, 0, 0.0F},
    {TensorType::kQ4_K, 0, 2, 7.5F},
    {TensorType::kQ5_K, 0, 2, 15.5F},
    {TensorType::kQ6_K, 208, 0, 0.0F},
    {TensorType::kIQ4_NL, 0, 0, 0.0F},
    {TensorType::kIQ4_XS, 0, 0, 0.0F},
    {TensorType::kQ8_K, 0, 0, 0.0F},
    {TensorType::kNVFP4, 0, 0, 0.0F},
    {TensorType::kIQ1_S, 0, 0, 0.0F},
    {TensorType::kIQ1_M, 48, 0, 0.0F},
    {TensorType::kIQ2_XXS, 0, 0, 0.0F},
    {TensorType::kIQ2_XS, 0, 0, 0.0F},
    {TensorType::kIQ2_S, 0, 0, 0.0F},
    {TensorType::kIQ3_XXS, 0, 0, 0.0F},
    {TensorType::kIQ3_S, 0, 0, 0.0F},
    {TensorType::kTQ1_0, 52, 0, 0.0F},
    {TensorType::kTQ2_0, 64, 0, 0.0F},
}};

/// Writes a scale as the type stores it: an f16, unless it is Q8_K (f32), NVFP4 (4 bytes with 4 bits of exponent and 3
/// of mantissa) or IQ1_M (the high nibbles of 4 words).
void put_scale(TensorType type, float scale, std::byte* to) {
  const std::uint16_t half = f32_to_f16(scale);
  if (type == TensorType::kQ8_K) {
    std::memcpy(to, &scale, sizeof scale);
  } else if (type == TensorType::kNVFP4) {
    // The same bits in an f16 stand for 2^-7 of the scale.
    const auto bits = static_cast<unsigned>(f32_to_f16(scale * 0x1p-7F)) + 64U;
    std::fill_n(to, 4, static_cast<std::byte>(std::clamp(bits >> 7, 1U, 126U)));
  } else if (type == TensorType::kIQ1_M) {
    for (unsigned i = 0; i < 4; ++i) {
      to[2 * i + 1] = (to[2 * i + 1] & std::byte{15}) | static_cast<std::byte>((half >> (4 * i) & 15) << 4);
    }
  } else {
    put_u16(to, half);
  }
}

void set_scales(const RandomCodes& codes, Bytes& bytes, std::size_t block_bytes, float scale) {
  for (std::size_t at = 0; at < bytes.size(); at += block_bytes) {
    put_scale(codes.type, scale, &bytes[at + codes.scale_at]);
    if (codes.min_ratio != 0.0F) put_u16(&bytes[at + codes.min_at], f32_to_f16(scale * codes.min_ratio));
  }
}

/// Returns the standard deviation of the first blocks' weights.
float measure(const gguf::TensorTypeInfo& info, const Bytes& bytes) {
  const std::size_t blocks = std::min<std::size_t>(bytes.size() / info.block_bytes, 64);
  std::vector<float> values(blocks * info.block_elements);
  weights::dequantize(info.type, std::span(bytes).first(blocks * info.block_bytes), values);
  double squares = 0;
  for (const float value : values) squares += static_cast<double>(value) * static_cast<double>(value);
  return static_cast<float>(std::sqrt(squares / static_cast<double>(values.size())));
}

Bytes random_codes(Random& random, const RandomCodes& codes, std::size_t count, float deviation) {
  constexpr float kTrialScale = 0x1p-10F;
  const gguf::TensorTypeInfo& info = gguf::type_info(codes.type);
  Bytes bytes(count / info.block_elements * info.block_bytes);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random() & 0xFFU);
  set_scales(codes, bytes, info.block_bytes, kTrialScale);
  set_scales(codes, bytes, info.block_bytes, kTrialScale * deviation / measure(info, bytes));
  return bytes;
}

Bytes round_to(TensorType type, std::span<const float> values) {
  const gguf::TensorTypeInfo& info = gguf::type_info(type);
  Bytes bytes(values.size() / info.block_elements * info.block_bytes);
  for (std::size_t b = 0; b * info.block_elements < values.size(); ++b) {
    const auto x = values.subspan(b * info.block_elements, info.block_elements);
    std::byte* block = &bytes[b * info.block_bytes];
    switch (type) {
      case TensorType::kF32:
        std::memcpy(block, x.data(), sizeof(float));
        break;
      case TensorType::kF16:
        put_u16(block, f32_to_f16(x.front()));
        break;
      case TensorType::kBF16:
        put_u16(block, f32_to_bf16(x.front()));
        break;
      case TensorType::kQ8_0:
        quantize_q8_0(x, block);
        break;
      case TensorType::kMXFP4:
        quantize_mxfp4(x, block);
        break;
      default:
        quantize_legacy(legacy_of(type), x, block);
    }
  }
  return bytes;
}

/// Returns a number in [0, 1), never 0.
double uniform(Random& random) { return (static_cast<double>(random() >> 11) + 0.5) * 0x1p-53; }

}  // namespace

std::vector<float> random_normal(Random& random, std::size_t count, float deviation) {
  std::vector<float> values(count);
  for (float& value : values) {
    // Box and Muller's method; std::normal_distribution differs between libraries.
    const double radius = std::sqrt(-2.0 * std::log(uniform(random)));
    value = deviation * static_cast<float>(radius * std::cos(2.0 * std::numbers::pi * uniform(random)));
  }
  return values;
}

Bytes random_weights(Random& random, TensorType type, std::size_t rows, std::size_t columns, float deviation) {
  const gguf::TensorTypeInfo& info = gguf::type_info(type);
  if (columns % info.block_elements != 0) {
    throw std::invalid_argument(std::to_string(columns) + " columns are not whole blocks of " + std::string(info.name));
  }
  for (const RandomCodes& codes : kRandomCodes) {
    if (codes.type == type) return random_codes(random, codes, rows * columns, deviation);
  }
  return round_to(type, random_normal(random, rows * columns, deviation));
}

}  // namespace pith::test
