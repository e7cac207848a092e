#pragma once

// Needs a simd.h included before. One struct a packed weight format (docs/formats/packed_weights.md): how a block's
// scales and codes become vectors. A weight is scale * code + min, code unsigned; a group is 32 columns of 16 rows.
#include "kernels/types.h"

namespace pith::kernels::PITH_ISA {

/// 8 code vectors from 4 lines: low nibbles are even vectors, high nibbles odd ones.
inline void unpack_nibbles(const std::uint8_t* lines, U8x64 (&w)[8]) {
  for (std::size_t j = 0; j < 4; ++j) {
    const U8x64 line = load_bytes(lines + 64 * j);
    w[2 * j] = field<0, 0x0F>(line);
    w[2 * j + 1] = field<4, 0x0F>(line);
  }
}

/// 8 code vectors of 2 bits from 2 lines, shifted left by `to`.
template <int to>
inline void unpack_pairs(const std::uint8_t* lines, U8x64 (&w)[8]) {
  for (std::size_t j = 0; j < 2; ++j) {
    const U8x64 line = load_bytes(lines + 64 * j);
    w[4 * j] = field_at<0, 3, to>(line);
    w[4 * j + 1] = field_at<2, 3, to>(line);
    w[4 * j + 2] = field_at<4, 3, to>(line);
    w[4 * j + 3] = field_at<6, 3, to>(line);
  }
}

/// One more bit for each of 8 code vectors, from one line, at bit `to`.
template <int to>
inline void add_bits(const std::uint8_t* line_bytes, U8x64 (&w)[8]) {
  const U8x64 line = load_bytes(line_bytes);
  w[0] = join(w[0], field_at<0, 1, to>(line));
  w[1] = join(w[1], field_at<1, 1, to>(line));
  w[2] = join(w[2], field_at<2, 1, to>(line));
  w[3] = join(w[3], field_at<3, 1, to>(line));
  w[4] = join(w[4], field_at<4, 1, to>(line));
  w[5] = join(w[5], field_at<5, 1, to>(line));
  w[6] = join(w[6], field_at<6, 1, to>(line));
  w[7] = join(w[7], field_at<7, 1, to>(line));
}

inline const std::uint16_t* halves(const std::uint8_t* p) { return reinterpret_cast<const std::uint16_t*>(p); }

/// Blocks of 32 columns: f16 scale[16] (and f16 min[16]), then the codes.
template <bool has_min, int zero_point>
struct SimpleBlock {
  static constexpr std::size_t kGroups = 1;
  static constexpr std::size_t kHalves = 1;
  static constexpr std::size_t kHeaderBytes = has_min ? 64 : 32;
  static constexpr bool kSmallCodes = zero_point < 128;
  struct Header {
    F32x16 scale, min;
  };
  static Header header(const std::uint8_t* p) {
    const F32x16 scale = load_f16(halves(p));
    if constexpr (has_min) return {scale, load_f16(halves(p) + kLanes)};
    return {scale, mul(scale, set1(static_cast<float>(-zero_point)))};
  }
  static void scales(const Header& h, const std::uint8_t*, F32x16 (&scale)[1], F32x16 (&min)[1]) {
    scale[0] = h.scale;
    min[0] = h.min;
  }
};

template <bool has_min>
struct Bits4 : SimpleBlock<has_min, 8> {
  static constexpr std::size_t kGroupBytes = 256;
  static void codes(const std::uint8_t* p, U8x64 (&w)[8]) { unpack_nibbles(p, w); }
};
using FormatQ4_0 = Bits4<false>;
using FormatQ4_1 = Bits4<true>;

template <bool has_min>
struct Bits5 : SimpleBlock<has_min, 16> {
  static constexpr std::size_t kGroupBytes = 320;
  static void codes(const std::uint8_t* p, U8x64 (&w)[8]) {
    unpack_nibbles(p, w);
    add_bits<4>(p + 256, w);
  }
};
using FormatQ5_0 = Bits5<false>;
using FormatQ5_1 = Bits5<true>;

struct FormatQ8_0 : SimpleBlock<false, 128> {
  static constexpr std::size_t kGroupBytes = 512;
  static void codes(const std::uint8_t* p, U8x64 (&w)[8]) {
    for (std::size_t j = 0; j < 8; ++j) w[j] = load_bytes(p + 64 * j);
  }
};

/// The 16 levels of IQ4, 128 added.
alignas(16) inline constexpr std::uint8_t kIq4Levels[16] = {1,   24,  45,  63,  79,  93,  106, 118,
                                                            129, 141, 153, 166, 181, 197, 217, 241};

inline void lookup_nibbles(const std::uint8_t* lines, const std::uint8_t* table, U8x64 (&w)[8]) {
  unpack_nibbles(lines, w);
  const U8x64 levels = load_levels(table);
  for (U8x64& x : w) x = lookup(levels, x);
}

struct FormatIQ4_NL : SimpleBlock<false, 128> {
  static constexpr std::size_t kGroupBytes = 256;
  static void codes(const std::uint8_t* p, U8x64 (&w)[8]) { lookup_nibbles(p, kIq4Levels, w); }
};

/// Blocks of 256 columns: f16 scale[16] (and f16 min scale[16]), then 8 groups with small integer scales of their own.
template <bool has_min>
struct SuperBlock {
  static constexpr std::size_t kGroups = 8;
  static constexpr std::size_t kHeaderBytes = has_min ? 64 : 32;
  static constexpr bool kSmallCodes = true;
  struct Header {
    F32x16 scale, min;
  };
  static Header header(const std::uint8_t* p) {
    const F32x16 scale = load_f16(halves(p));
    if constexpr (has_min) return {scale, mul(load_f16(halves(p) + kLanes), set1(-1.0F))};
    return {scale, scale};
  }
};

/// Group: u8 scale[16], u8 min[16], then the codes.
struct MinGroups : SuperBlock<true> {
  static constexpr std::size_t kHalves = 1;
  static void scales(const Header& h, const std::uint8_t* p, F32x16 (&scale)[1], F32x16 (&min)[1]) {
    scale[0] = mul(h.scale, load_u8(p));
    min[0] = mul(h.min, load_u8(p + kLanes));
  }
};

struct FormatQ4_K : MinGroups {
  static constexpr std::size_t kGroupBytes = 32 + 256;
  static void codes(const std::uint8_t* p, U8x64 (&w)[8]) { unpack_nibbles(p + 32, w); }
};

struct FormatQ5_K : MinGroups {
  static constexpr std::size_t kGroupBytes = 32 + 320;
  static void codes(const std::uint8_t* p, U8x64 (&w)[8]) {
    unpack_nibbles(p + 32, w);
    add_bits<4>(p + 32 + 256, w);
  }
};

struct FormatIQ4_XS : SuperBlock<false> {
  static constexpr std::size_t kHalves = 1;
  static constexpr std::size_t kGroupBytes = 16 + 256;
  static constexpr bool kSmallCodes = false;
  static void scales(const Header& h, const std::uint8_t* p, F32x16 (&scale)[1], F32x16 (&min)[1]) {
    scale[0] = mul(h.scale, load_i8(p));
    min[0] = mul(scale[0], set1(-128.0F));
  }
  static void codes(const std::uint8_t* p, U8x64 (&w)[8]) { lookup_nibbles(p + 16, kIq4Levels, w); }
};

/// Group: i8 scale[2][16], one for each half of the columns, then the codes.
template <int zero_point>
struct SignedHalves : SuperBlock<false> {
  static constexpr std::size_t kHalves = 2;
  static void scales(const Header& h, const std::uint8_t* p, F32x16 (&scale)[2], F32x16 (&min)[2]) {
    for (std::size_t i = 0; i < 2; ++i) {
      scale[i] = mul(h.scale, load_i8(p + kLanes * i));
      min[i] = mul(scale[i], set1(static_cast<float>(-zero_point)));
    }
  }
};

struct FormatQ6_K : SignedHalves<32> {
  static constexpr std::size_t kGroupBytes = 32 + 256 + 128;
  static void codes(const std::uint8_t* p, U8x64 (&w)[8]) {
    U8x64 high[8];
    unpack_nibbles(p + 32, w);
    unpack_pairs<4>(p + 32 + 256, high);
    for (std::size_t j = 0; j < 8; ++j) w[j] = join(w[j], high[j]);
  }
};

struct FormatQ3_K : SignedHalves<4> {
  static constexpr std::size_t kGroupBytes = 32 + 128 + 64;
  static void codes(const std::uint8_t* p, U8x64 (&w)[8]) {
    unpack_pairs<0>(p + 32, w);
    add_bits<2>(p + 32 + 128, w);
  }
};

/// Group: u8 [2][16] with a 4-bit scale (low) and a 4-bit min (high) for each half of the columns, then the codes.
struct FormatQ2_K : SuperBlock<true> {
  static constexpr std::size_t kHalves = 2;
  static constexpr std::size_t kGroupBytes = 32 + 128;
  static void scales(const Header& h, const std::uint8_t* p, F32x16 (&scale)[2], F32x16 (&min)[2]) {
    for (std::size_t i = 0; i < 2; ++i) {
      // byte = 16 * min + scale; in floats both parts are exact.
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
  static void codes(const std::uint8_t* p, U8x64 (&w)[8]) { unpack_pairs<0>(p + 32, w); }
};

}  // namespace pith::kernels::PITH_ISA
