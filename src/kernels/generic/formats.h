#pragma once

// One struct per packed weight format (docs/formats/packed_weights.md): how a block's scales and codes become vectors.
// Include a simd.h first. A weight is scale * code + min or scale * (code - zero point), with unsigned codes; a group
// is 32 columns of 16 rows.
#include "kernels/types.h"

namespace pith::kernels::PITH_ISA {

/// Code vectors 2 * pair and 2 * pair + 1 of a group. Kernels unpack two at a time, right before using them, so that
/// codes occupy few registers.
struct CodePair {
  U8x64 even, odd;
};

/// Unpacks 4-bit codes from 4 lines: low nibbles are the even vectors, high nibbles the odd ones.
template <std::size_t pair>
inline CodePair nibble_pair(const std::uint8_t* lines) {
  const U8x64 line = load_bytes(lines + 64 * pair);
  return {field<0, 0x0F>(line), field<4, 0x0F>(line)};
}

/// Unpacks 2-bit codes from 2 lines, shifted left by `to`.
template <std::size_t pair, int to>
inline CodePair bits2_pair(const std::uint8_t* lines) {
  const U8x64 line = load_bytes(lines + 64 * (pair / 2));
  constexpr int kFrom = pair % 2 * 4;
  return {field_at<kFrom, 3, to>(line), field_at<kFrom + 2, 3, to>(line)};
}

/// Unpacks 1-bit codes from one line, shifted left by `to`.
template <std::size_t pair, int to>
inline CodePair bit_pair(const std::uint8_t* line_bytes) {
  const U8x64 line = load_bytes(line_bytes);
  constexpr int kFrom = 2 * pair;
  return {field_at<kFrom, 1, to>(line), field_at<kFrom + 1, 1, to>(line)};
}

inline CodePair join(CodePair a, CodePair b) { return {join(a.even, b.even), join(a.odd, b.odd)}; }

inline const std::uint16_t* halves(const std::uint8_t* p) { return reinterpret_cast<const std::uint16_t*>(p); }

/// A block of 32 columns: f16 scale[16], f16 min[16] if has_min, then the codes.
template <bool has_min, ZeroTerm zero_term>
struct SimpleBlock {
  static constexpr std::size_t kGroups = 1;
  static constexpr std::size_t kHalves = 1;
  static constexpr std::size_t kHeaderBytes = has_min ? 64 : 32;
  static constexpr ZeroTerm kZeroTerm = zero_term;
  static constexpr bool kSmallCodes = zero_term != ZeroTerm::kZero128;
  struct Header {
    F32x16 scale, min;
  };
  static Header header(const std::uint8_t* p) {
    return {load_f16(halves(p)), has_min ? load_f16(halves(p) + kLanes) : zero()};
  }
  static void scales(const Header& h, const std::uint8_t*, F32x16 (&scale)[1], F32x16 (&min)[1]) {
    scale[0] = h.scale;
    min[0] = h.min;
  }
};

template <bool has_min>
struct Bits4 : SimpleBlock<has_min, has_min ? ZeroTerm::kNone : ZeroTerm::kZero8> {
  static constexpr std::size_t kGroupBytes = 256;
  template <std::size_t pair>
  static CodePair codes(const std::uint8_t* p) {
    return nibble_pair<pair>(p);
  }
};
using FormatQ4_0 = Bits4<false>;
using FormatQ4_1 = Bits4<true>;

template <bool has_min>
struct Bits5 : SimpleBlock<has_min, has_min ? ZeroTerm::kNone : ZeroTerm::kZero16> {
  static constexpr std::size_t kGroupBytes = 320;
  template <std::size_t pair>
  static CodePair codes(const std::uint8_t* p) {
    return join(nibble_pair<pair>(p), bit_pair<pair, 4>(p + 256));
  }
};
using FormatQ5_0 = Bits5<false>;
using FormatQ5_1 = Bits5<true>;

struct FormatQ8_0 : SimpleBlock<false, ZeroTerm::kZero128> {
  static constexpr std::size_t kGroupBytes = 512;
  template <std::size_t pair>
  static CodePair codes(const std::uint8_t* p) {
    return {load_bytes(p + 128 * pair), load_bytes(p + 128 * pair + 64)};
  }
};

/// The 16 levels of IQ4_NL and IQ4_XS, plus 128.
alignas(16) inline constexpr std::uint8_t kIq4Levels[16] = {1,   24,  45,  63,  79,  93,  106, 118,
                                                            129, 141, 153, 166, 181, 197, 217, 241};

template <std::size_t pair>
inline CodePair iq4_pair(const std::uint8_t* lines) {
  const U8x64 levels = load_levels(kIq4Levels);
  const CodePair index = nibble_pair<pair>(lines);
  return {lookup(levels, index.even), lookup(levels, index.odd)};
}

struct FormatIQ4_NL : SimpleBlock<false, ZeroTerm::kZero128> {
  static constexpr std::size_t kGroupBytes = 256;
  template <std::size_t pair>
  static CodePair codes(const std::uint8_t* p) {
    return iq4_pair<pair>(p);
  }
};

/// A block of 256 columns: f16 scale[16], f16 min scale[16] if has_min, then 8 groups with small integer scales.
template <bool has_min, ZeroTerm zero_term>
struct SuperBlock {
  static constexpr ZeroTerm kZeroTerm = zero_term;
  static constexpr std::size_t kGroups = 8;
  static constexpr std::size_t kHeaderBytes = has_min ? 64 : 32;
  static constexpr bool kSmallCodes = true;
  struct Header {
    F32x16 scale, min;
  };
  static Header header(const std::uint8_t* p) {
    return {load_f16(halves(p)), has_min ? mul(load_f16(halves(p) + kLanes), set1(-1.0F)) : zero()};
  }
};

/// A group: u8 scale[16], u8 min[16], then the codes.
struct MinGroups : SuperBlock<true, ZeroTerm::kNone> {
  static constexpr std::size_t kHalves = 1;
  static void scales(const Header& h, const std::uint8_t* p, F32x16 (&scale)[1], F32x16 (&min)[1]) {
    scale[0] = mul(h.scale, load_u8(p));
    min[0] = mul(h.min, load_u8(p + kLanes));
  }
};

struct FormatQ4_K : MinGroups {
  static constexpr std::size_t kGroupBytes = 32 + 256;
  template <std::size_t pair>
  static CodePair codes(const std::uint8_t* p) {
    return nibble_pair<pair>(p + 32);
  }
};

struct FormatQ5_K : MinGroups {
  static constexpr std::size_t kGroupBytes = 32 + 320;
  template <std::size_t pair>
  static CodePair codes(const std::uint8_t* p) {
    return join(nibble_pair<pair>(p + 32), bit_pair<pair, 4>(p + 32 + 256));
  }
};

struct FormatIQ4_XS : SuperBlock<false, ZeroTerm::kZero128> {
  static constexpr std::size_t kHalves = 1;
  static constexpr std::size_t kGroupBytes = 16 + 256;
  static constexpr bool kSmallCodes = false;
  static void scales(const Header& h, const std::uint8_t* p, F32x16 (&scale)[1], F32x16 (&min)[1]) {
    scale[0] = mul(h.scale, load_i8(p));
    min[0] = zero();
  }
  template <std::size_t pair>
  static CodePair codes(const std::uint8_t* p) {
    return iq4_pair<pair>(p + 16);
  }
};

/// A group: i8 scale[2][16], one per half of the columns, then the codes.
template <ZeroTerm zero_term>
struct SignedHalves : SuperBlock<false, zero_term> {
  using typename SuperBlock<false, zero_term>::Header;
  static constexpr std::size_t kHalves = 2;
  static void scales(const Header& h, const std::uint8_t* p, F32x16 (&scale)[2], F32x16 (&min)[2]) {
    for (std::size_t i = 0; i < 2; ++i) {
      scale[i] = mul(h.scale, load_i8(p + kLanes * i));
      min[i] = zero();
    }
  }
};

struct FormatQ6_K : SignedHalves<ZeroTerm::kHalfZero32> {
  static constexpr std::size_t kGroupBytes = 32 + 256 + 128;
  template <std::size_t pair>
  static CodePair codes(const std::uint8_t* p) {
    return join(nibble_pair<pair>(p + 32), bits2_pair<pair, 4>(p + 32 + 256));
  }
};

struct FormatQ3_K : SignedHalves<ZeroTerm::kHalfZero4> {
  static constexpr std::size_t kGroupBytes = 32 + 128 + 64;
  template <std::size_t pair>
  static CodePair codes(const std::uint8_t* p) {
    return join(bits2_pair<pair, 0>(p + 32), bit_pair<pair, 2>(p + 32 + 128));
  }
};

/// A group: u8 [2][16] with a 4-bit scale (low nibble) and a 4-bit min (high nibble) per half of the columns, then the
/// codes.
struct FormatQ2_K : SuperBlock<true, ZeroTerm::kNone> {
  static constexpr std::size_t kHalves = 2;
  static constexpr std::size_t kGroupBytes = 32 + 128;
  static void scales(const Header& h, const std::uint8_t* p, F32x16 (&scale)[2], F32x16 (&min)[2]) {
    for (std::size_t i = 0; i < 2; ++i) {
      // byte = 16 * min + scale. Both parts are exact as floats.
      std::uint8_t low[kLanes];
      std::uint8_t high[kLanes];
      for (std::size_t r = 0; r < kLanes; ++r) {
        low[r] = p[kLanes * i + r] & 15U;
        high[r] = static_cast<std::uint8_t>(p[kLanes * i + r] >> 4);
      }
      scale[i] = mul(h.scale, load_u8(low));
      min[i] = mul(h.min, load_u8(high));
    }
  }
  template <std::size_t pair>
  static CodePair codes(const std::uint8_t* p) {
    return bits2_pair<pair, 0>(p + 32);
  }
};

}  // namespace pith::kernels::PITH_ISA
