#pragma once

// The packed weight formats whose codes are indices into one of the tables of kernels/levels.h. Include a simd.h first.
#include "kernels/generic/formats.h"
#include "kernels/levels.h"

namespace pith::kernels::PITH_ISA {

/// 16 levels plus their zero point, repeated where there are fewer, as lookup() takes them.
struct alignas(16) LevelBytes {
  std::uint8_t bytes[16];
};

template <std::size_t count>
constexpr LevelBytes level_bytes(const Levels<count>& levels) {
  LevelBytes table{};
  for (std::size_t i = 0; i < 16; ++i) {
    table.bytes[i] = static_cast<std::uint8_t>(levels.values[i % count] + kLevelZero);
  }
  return table;
}

template <const auto& levels>
inline constexpr LevelBytes kLevelBytes = level_bytes(levels);

template <const auto& levels>
inline CodePair level_pair(CodePair index) {
  const U8x64 table = load_levels(kLevelBytes<levels>.bytes);
  return {lookup(table, index.even), lookup(table, index.odd)};
}

/// What the formats with levels in blocks of 32 columns have in common.
template <ZeroTerm zero_term, std::size_t halves>
struct LevelBlock {
  static constexpr std::size_t kGroups = 1;
  static constexpr std::size_t kHalves = halves;
  static constexpr ZeroTerm kZeroTerm = zero_term;
  static constexpr bool kSmallCodes = true;
};

/// A block of 32 columns: u8 exponent[16], then the codes. The scale is 2^(exponent - 128).
struct FormatMXFP4 : LevelBlock<ZeroTerm::kZero64, 1> {
  static constexpr std::size_t kHeaderBytes = 16;
  static constexpr std::size_t kGroupBytes = 256;
  struct Header {
    F32x16 scale;
  };
  static Header header(const std::uint8_t* p) {
    // The scales as bfloat16, which is subnormal for the exponents 0 and 1.
    std::uint16_t scales[kLanes];
    for (std::size_t r = 0; r < kLanes; ++r) {
      const auto exponent = static_cast<std::int32_t>(p[r]);
      scales[r] = static_cast<std::uint16_t>(exponent < 2 ? (exponent + 1) << 5 : (exponent - 1) << 7);
    }
    return {load_bf16(scales)};
  }
  static void scales(const Header& h, const std::uint8_t*, F32x16 (&scale)[1], F32x16 (&min)[1]) {
    scale[0] = h.scale;
    min[0] = zero();
  }
  template <std::size_t pair>
  static CodePair codes(const std::uint8_t* p) {
    return level_pair<kLevelsE2M1>(nibble_pair<pair>(p));
  }
};

/// A group: u8 scale[2][16], one per half of the columns, then the codes. A scale is a float with 4 bits of exponent,
/// whose bias is 8, and 3 of mantissa; the top bit is clear.
struct FormatNVFP4 : LevelBlock<ZeroTerm::kHalfZero64, 2> {
  static constexpr std::size_t kHeaderBytes = 0;
  static constexpr std::size_t kGroupBytes = 32 + 256;
  struct Header {};
  static Header header(const std::uint8_t*) { return {}; }
  static void scales(const Header&, const std::uint8_t* p, F32x16 (&scale)[2], F32x16 (&min)[2]) {
    for (std::size_t i = 0; i < 2; ++i) {
      // In the place of an f16's exponent and mantissa, the bits stand for a number that is 2^-7 of the scale.
      std::uint16_t bits[kLanes];
      for (std::size_t r = 0; r < kLanes; ++r) bits[r] = static_cast<std::uint16_t>(p[kLanes * i + r] << 7);
      scale[i] = mul(load_f16(bits), set1(0x1p7F));
      min[i] = zero();
    }
  }
  template <std::size_t pair>
  static CodePair codes(const std::uint8_t* p) {
    return level_pair<kLevelsE2M1>(nibble_pair<pair>(p + 32));
  }
};

/// A super-block of Q8_K: f32 scale[16], then 8 groups of codes.
struct FormatQ8_K : SuperBlock<false, ZeroTerm::kZero128> {
  static constexpr std::size_t kHalves = 1;
  static constexpr std::size_t kHeaderBytes = 64;
  static constexpr std::size_t kGroupBytes = 512;
  static constexpr bool kSmallCodes = false;
  static Header header(const std::uint8_t* p) { return {load(reinterpret_cast<const float*>(p)), zero()}; }
  static void scales(const Header& h, const std::uint8_t*, F32x16 (&scale)[1], F32x16 (&min)[1]) {
    scale[0] = h.scale;
    min[0] = zero();
  }
  template <std::size_t pair>
  static CodePair codes(const std::uint8_t* p) {
    return FormatQ8_0::codes<pair>(p);
  }
};

/// A super-block's f16 scales times the unit of its levels.
template <const auto& levels>
inline F32x16 unit_scales(const std::uint8_t* p) {
  return mul(load_f16(halves(p)), set1(levels.unit));
}

/// A group: i8 scale[16], then 4-bit codes.
template <const auto& levels>
struct Levels4 : SuperBlock<false, ZeroTerm::kZero64> {
  static constexpr std::size_t kHalves = 1;
  static constexpr std::size_t kGroupBytes = 16 + 256;
  static Header header(const std::uint8_t* p) { return {unit_scales<levels>(p), zero()}; }
  static void scales(const Header& h, const std::uint8_t* p, F32x16 (&scale)[1], F32x16 (&min)[1]) {
    scale[0] = mul(h.scale, load_i8(p));
    min[0] = zero();
  }
  template <std::size_t pair>
  static CodePair codes(const std::uint8_t* p) {
    return level_pair<levels>(nibble_pair<pair>(p + 16));
  }
};
using FormatIQ3_S = Levels4<kLevelsIQ3_S>;
using FormatIQ3_XXS = Levels4<kLevelsIQ3_XXS>;

/// A group: i8 scale[2][16], one per half of the columns, then 3-bit codes.
template <const auto& levels>
struct Levels3 : SignedHalves<ZeroTerm::kHalfZero64> {
  static constexpr std::size_t kGroupBytes = 32 + 128 + 64;
  static Header header(const std::uint8_t* p) { return {unit_scales<levels>(p), zero()}; }
  template <std::size_t pair>
  static CodePair codes(const std::uint8_t* p) {
    return level_pair<levels>(join(bits2_pair<pair, 0>(p + 32), bit_pair<pair, 2>(p + 32 + 128)));
  }
};
using FormatIQ2 = Levels3<kLevelsIQ2>;
using FormatIQ1_M = Levels3<kLevelsIQ1>;

/// A group: i8 scale[16], then 2-bit codes. A weight is |scale| * (code - 1) + scale / 8, times the super-block's
/// scale: kLevelsIQ1 in fewer bits, which is possible because all levels of a group are shifted one way.
struct FormatIQ1_S : SuperBlock<false, ZeroTerm::kNone> {
  static constexpr std::size_t kHalves = 1;
  static constexpr std::size_t kGroupBytes = 16 + 128;
  static void scales(const Header& h, const std::uint8_t* p, F32x16 (&scale)[1], F32x16 (&min)[1]) {
    const F32x16 shift = load_i8(p);
    scale[0] = mul(h.scale, abs(shift));
    min[0] = mul(h.scale, sub(mul(shift, set1(0.125F)), abs(shift)));
  }
  template <std::size_t pair>
  static CodePair codes(const std::uint8_t* p) {
    return bits2_pair<pair, 0>(p + 16);
  }
};

/// A group: 2-bit codes. Only the super-block has scales.
struct FormatTQ2_0 : SuperBlock<false, ZeroTerm::kZero64> {
  static constexpr std::size_t kHalves = 1;
  static constexpr std::size_t kGroupBytes = 128;
  static void scales(const Header& h, const std::uint8_t*, F32x16 (&scale)[1], F32x16 (&min)[1]) {
    scale[0] = h.scale;
    min[0] = zero();
  }
  template <std::size_t pair>
  static CodePair codes(const std::uint8_t* p) {
    return level_pair<kLevelsTernary>(bits2_pair<pair, 0>(p));
  }
};

}  // namespace pith::kernels::PITH_ISA
