#include "weights/finite.h"

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

#include "base/fail.h"
#include "base/half.h"
#include "weights/dequantize.h"
#include "weights/level_codes.h"

namespace pith::weights {
namespace {

using gguf::TensorType;

/// Float formats in a file: the mask of the exponent, all of whose bits are set only in NaN and infinities, and its
/// lowest bit.
struct F16 {
  using Bits = std::uint16_t;
  static constexpr Bits kLowest = 0x0400;
  static constexpr Bits kExponent = 0x7C00;
  static float value(Bits bits) { return f16_to_f32(bits); }
};
struct BF16 {
  using Bits = std::uint16_t;
  static constexpr Bits kLowest = 0x0080;
  static constexpr Bits kExponent = 0x7F80;
  static float value(Bits bits) { return bf16_to_f32(bits); }
};
struct F32 {
  using Bits = std::uint32_t;
  static constexpr Bits kLowest = 0x00800000;
  static constexpr Bits kExponent = 0x7F800000;
  static float value(Bits bits) { return std::bit_cast<float>(bits); }
};
/// Two adjacent F16 numbers.
struct F16Pair {
  using Bits = std::uint32_t;
  static constexpr Bits kLowest = 0x04000400;
  static constexpr Bits kExponent = 0x7C007C00;
};

template <typename Float>
typename Float::Bits bits_at(const std::byte* at) {
  typename Float::Bits bits = 0;
  std::memcpy(&bits, at, sizeof bits);
  return bits;
}

/// Returns true if any of `count` numbers, `stride` bytes apart, is not finite: exactly then adding 1 to its exponent
/// carries into the sign bit. There are no branches, so the loop is vectorized where the numbers are dense.
template <typename Float, std::size_t stride>
bool any_not_finite(const std::byte* at, std::size_t count) {
  using Bits = typename Float::Bits;
  constexpr auto kCarry = static_cast<Bits>((Float::kExponent + Float::kLowest) & ~Float::kExponent);
  Bits sums = 0;
  for (std::size_t i = 0; i < count; ++i) {
    sums |= static_cast<Bits>((bits_at<Float>(at + i * stride) & Float::kExponent) + Float::kLowest);
  }
  return (sums & kCarry) != 0;
}

/// A float that every block has.
struct Field {
  std::size_t offset;
  std::string_view what;
};

/// Finds the first field that is not finite. `All` is the format that covers all fields of a block from the first one's
/// offset, for the quick check that almost always succeeds.
template <typename All, typename Float, std::size_t block_bytes, std::size_t count>
std::optional<NotFinite> find(std::span<const std::byte> data, std::size_t columns,
                              const std::array<Field, count>& fields) {
  const std::size_t blocks = data.size() / block_bytes;
  if (!any_not_finite<All, block_bytes>(data.data() + fields[0].offset, blocks)) return std::nullopt;
  for (std::size_t b = 0; b < blocks; ++b) {
    for (const Field& field : fields) {
      const float value = Float::value(bits_at<Float>(data.data() + b * block_bytes + field.offset));
      if (!std::isfinite(value)) return NotFinite{b * columns, field.what, value};
    }
  }
  return std::nullopt;
}

template <typename Float>
std::optional<NotFinite> find_elements(std::span<const std::byte> data) {
  return find<Float, Float, sizeof(typename Float::Bits)>(data, 1, std::array{Field{0, "element"}});
}

template <std::size_t block_bytes, std::size_t columns>
std::optional<NotFinite> find_scales(std::span<const std::byte> data, std::size_t scale) {
  return find<F16, F16, block_bytes>(data, columns, std::array{Field{scale, "scale"}});
}

/// The minimum follows the scale.
template <std::size_t block_bytes, std::size_t columns>
std::optional<NotFinite> find_scales_and_minimums(std::span<const std::byte> data, std::size_t scale) {
  return find<F16Pair, F16, block_bytes>(data, columns, std::array{Field{scale, "scale"}, Field{scale + 2, "minimum"}});
}

/// Finds the first weight that overflows although its block's scale is finite. may_overflow(block) rules out nearly all
/// blocks.
template <std::size_t block_bytes, std::size_t columns, typename MayOverflow>
std::optional<NotFinite> find_overflow(TensorType type, std::span<const std::byte> data,
                                       const MayOverflow& may_overflow) {
  for (std::size_t b = 0; b < data.size() / block_bytes; ++b) {
    const auto block = data.subspan(b * block_bytes, block_bytes);
    if (!may_overflow(block)) continue;
    std::array<float, columns> values;
    dequantize(type, block, values);
    for (std::size_t c = 0; c < columns; ++c) {
      if (!std::isfinite(values[c])) return NotFinite{b * columns + c, "weight", values[c]};
    }
  }
  return std::nullopt;
}

/// The scales are powers of 2, of which the largest times the largest levels overflow.
std::optional<NotFinite> find_mxfp4(std::span<const std::byte> data) {
  constexpr std::byte kLargestSafe{252};
  return find_overflow<17, 32>(TensorType::kMXFP4, data,
                               [](std::span<const std::byte> block) { return block[0] > kLargestSafe; });
}

std::optional<NotFinite> find_q8_k(std::span<const std::byte> data) {
  constexpr float kLargestSafe = std::numeric_limits<float>::max() / 128.0F;
  const auto scale = find<F32, F32, 292>(data, 256, std::array{Field{0, "scale"}});
  if (scale) return scale;
  return find_overflow<292, 256>(TensorType::kQ8_K, data, [](std::span<const std::byte> block) {
    return std::fabs(F32::value(bits_at<F32>(block.data()))) > kLargestSafe;
  });
}

/// The scale's bits are spread over the block.
std::optional<NotFinite> find_iq1_m(std::span<const std::byte> data) {
  constexpr std::size_t kBytes = 56;
  for (std::size_t b = 0; b < data.size() / kBytes; ++b) {
    const auto* block = reinterpret_cast<const std::uint8_t*>(data.data() + b * kBytes);
    const float scale = f16_to_f32(scale_iq1_m(block));
    if (!std::isfinite(scale)) return NotFinite{b * 256, "scale", scale};
  }
  return std::nullopt;
}

}  // namespace

std::optional<NotFinite> find_not_finite(TensorType type, std::span<const std::byte> blocks) {
  switch (type) {
    case TensorType::kF32:
      return find_elements<F32>(blocks);
    case TensorType::kF16:
      return find_elements<F16>(blocks);
    case TensorType::kBF16:
      return find_elements<BF16>(blocks);
    case TensorType::kQ4_0:
    case TensorType::kIQ4_NL:
      return find_scales<18, 32>(blocks, 0);
    case TensorType::kQ4_1:
      return find_scales_and_minimums<20, 32>(blocks, 0);
    case TensorType::kQ5_0:
      return find_scales<22, 32>(blocks, 0);
    case TensorType::kQ5_1:
      return find_scales_and_minimums<24, 32>(blocks, 0);
    case TensorType::kQ8_0:
      return find_scales<34, 32>(blocks, 0);
    case TensorType::kQ2_K:
      return find_scales_and_minimums<84, 256>(blocks, 80);
    case TensorType::kQ3_K:
      return find_scales<110, 256>(blocks, 108);
    case TensorType::kQ4_K:
      return find_scales_and_minimums<144, 256>(blocks, 0);
    case TensorType::kQ5_K:
      return find_scales_and_minimums<176, 256>(blocks, 0);
    case TensorType::kQ6_K:
      return find_scales<210, 256>(blocks, 208);
    case TensorType::kIQ4_XS:
      return find_scales<136, 256>(blocks, 0);
    case TensorType::kQ8_K:
      return find_q8_k(blocks);
    case TensorType::kMXFP4:
      return find_mxfp4(blocks);
    case TensorType::kNVFP4:
      return std::nullopt;  // The scales are 8-bit floats, of which none is infinite or NaN.
    case TensorType::kIQ1_S:
      return find_scales<50, 256>(blocks, 0);
    case TensorType::kIQ1_M:
      return find_iq1_m(blocks);
    case TensorType::kIQ2_XXS:
      return find_scales<66, 256>(blocks, 0);
    case TensorType::kIQ2_XS:
      return find_scales<74, 256>(blocks, 0);
    case TensorType::kIQ2_S:
      return find_scales<82, 256>(blocks, 0);
    case TensorType::kIQ3_XXS:
      return find_scales<98, 256>(blocks, 0);
    case TensorType::kIQ3_S:
      return find_scales<110, 256>(blocks, 0);
    case TensorType::kTQ1_0:
      return find_scales<54, 256>(blocks, 52);
    case TensorType::kTQ2_0:
      return find_scales<66, 256>(blocks, 64);
  }
  fail(ErrorKind::kInternal, "weight type {} is not looked through for numbers", static_cast<std::uint32_t>(type));
}

}  // namespace pith::weights
