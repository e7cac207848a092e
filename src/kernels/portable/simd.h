#pragma once

// The logical vector (16 lanes) in plain C++ loops: the scalar reference that the wide sets are tested against, and
// what runs where no wide set is known.
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/half.h"

#ifdef PITH_FUSED
#define PITH_ISA fused
#else
#define PITH_ISA portable
#endif

namespace pith::kernels::PITH_ISA {

struct F32x16 {
  float lane[16];
};
struct I32x16 {
  std::int32_t lane[16];
};
struct U8x64 {
  std::uint8_t byte[64];
};

inline constexpr std::size_t kRowsMax = 4;
inline constexpr std::size_t kDotRowsMax = 2;
inline constexpr std::size_t kFloatRowsMax = 4;

template <typename Make>
inline F32x16 each_f32(Make make) {
  F32x16 result;
  for (std::size_t i = 0; i < 16; ++i) result.lane[i] = make(i);
  return result;
}
template <typename Make>
inline I32x16 each_i32(Make make) {
  I32x16 result;
  for (std::size_t i = 0; i < 16; ++i) result.lane[i] = make(i);
  return result;
}
template <typename Make>
inline U8x64 each_u8(Make make) {
  U8x64 result;
  for (std::size_t i = 0; i < 64; ++i) result.byte[i] = static_cast<std::uint8_t>(make(i));
  return result;
}

inline F32x16 set1(float x) {
  return each_f32([=](std::size_t) { return x; });
}
inline F32x16 zero() { return set1(0.0F); }
inline F32x16 load(const float* p) {
  return each_f32([=](std::size_t i) { return p[i]; });
}
inline F32x16 load_first(const float* p, std::size_t n) {
  return each_f32([=](std::size_t i) { return i < n ? p[i] : 0.0F; });
}
inline void store_first(float* p, F32x16 x, std::size_t n) { std::memcpy(p, x.lane, n * sizeof(float)); }
inline void store(float* p, F32x16 x) { store_first(p, x, 16); }
inline float first(F32x16 a) { return a.lane[0]; }
inline F32x16 load_f16(const std::uint16_t* p) {
  return each_f32([=](std::size_t i) { return f16_to_f32(p[i]); });
}
inline void store_f16(std::uint16_t* p, const F32x16& x) {
  for (std::size_t i = 0; i < 16; ++i) p[i] = f32_to_f16(x.lane[i]);
}
inline F32x16 load_bf16(const std::uint16_t* p) {
  return each_f32([=](std::size_t i) { return bf16_to_f32(p[i]); });
}
inline F32x16 load_u8(const std::uint8_t* p) {
  return each_f32([=](std::size_t i) { return static_cast<float>(p[i]); });
}
inline F32x16 load_i8(const std::uint8_t* p) {
  return each_f32([=](std::size_t i) { return static_cast<float>(static_cast<std::int8_t>(p[i])); });
}
inline F32x16 add(F32x16 a, F32x16 b) {
  return each_f32([&](std::size_t i) { return a.lane[i] + b.lane[i]; });
}
inline F32x16 sub(F32x16 a, F32x16 b) {
  return each_f32([&](std::size_t i) { return a.lane[i] - b.lane[i]; });
}
inline F32x16 mul(F32x16 a, F32x16 b) {
  return each_f32([&](std::size_t i) { return a.lane[i] * b.lane[i]; });
}
inline F32x16 div(F32x16 a, F32x16 b) {
  return each_f32([&](std::size_t i) { return a.lane[i] / b.lane[i]; });
}
/// Rounded twice where the processor has no fused form: a library call per lane would be too slow. The tests make that
/// call (PITH_FUSED): what every wide set must give, bit for bit.
inline F32x16 fma(F32x16 a, F32x16 b, F32x16 c) {
#ifdef PITH_FUSED
  return each_f32([&](std::size_t i) { return std::fma(a.lane[i], b.lane[i], c.lane[i]); });
#else
  return each_f32([&](std::size_t i) { return a.lane[i] * b.lane[i] + c.lane[i]; });
#endif
}
inline F32x16 min(F32x16 a, F32x16 b) {
  return each_f32([&](std::size_t i) { return a.lane[i] < b.lane[i] ? a.lane[i] : b.lane[i]; });
}
inline F32x16 max(F32x16 a, F32x16 b) {
  return each_f32([&](std::size_t i) { return a.lane[i] > b.lane[i] ? a.lane[i] : b.lane[i]; });
}
inline F32x16 abs(F32x16 a) {
  return each_f32([&](std::size_t i) { return std::fabs(a.lane[i]); });
}
inline F32x16 round(F32x16 a) {
  return each_f32([&](std::size_t i) { return std::nearbyint(a.lane[i]); });
}
inline F32x16 select_less(const F32x16& a, const F32x16& b, const F32x16& x, const F32x16& y) {
  return each_f32([&](std::size_t i) { return a.lane[i] < b.lane[i] ? x.lane[i] : y.lane[i]; });
}
inline F32x16 exp2_integral(F32x16 n) {
  return each_f32([&](std::size_t i) {
    // What is no number has no integer; anything will do for it, as its factor is no number either.
    const float power = n.lane[i] == n.lane[i] ? n.lane[i] : 0.0F;
    return std::bit_cast<float>(static_cast<std::uint32_t>(static_cast<std::int32_t>(power) + 127) << 23);
  });
}
inline F32x16 fraction(F32x16 x) {
  return each_f32([&](std::size_t i) {
    const float a = x.lane[i] < -1e30F ? -1e30F : x.lane[i];
    return a - std::floor(a);
  });
}
inline F32x16 scale_exp2(F32x16 a, F32x16 x) {
  return each_f32([&](std::size_t i) {
    const float power = std::floor(x.lane[i]);
    // No number is left to what the product makes of it.
    if (!(power <= 127.0F)) return a.lane[i] * power;
    const auto biased = static_cast<std::uint32_t>(static_cast<std::int32_t>(power < -126.0F ? -126.0F : power) + 127);
    return a.lane[i] * std::bit_cast<float>(biased << 23);
  });
}
inline F32x16 exponent(F32x16 x) {
  return each_f32([&](std::size_t i) {
    return static_cast<float>(static_cast<std::int32_t>(std::bit_cast<std::uint32_t>(x.lane[i]) >> 23) - 127);
  });
}
inline F32x16 mantissa(F32x16 x) {
  return each_f32([&](std::size_t i) {
    return std::bit_cast<float>((std::bit_cast<std::uint32_t>(x.lane[i]) & 0x007FFFFFU) | 0x3F800000U);
  });
}
inline F32x16 keep_range(F32x16 a, std::size_t begin, std::size_t end, F32x16 other) {
  return each_f32([&](std::size_t i) { return i >= begin && i < end ? a.lane[i] : other.lane[i]; });
}
template <std::size_t distance>
inline F32x16 exchange(F32x16 a) {
  return each_f32([&](std::size_t i) { return a.lane[i ^ distance]; });
}
template <std::size_t distance>
inline F32x16 join_lower(const F32x16& a, const F32x16& b) {
  return each_f32([&](std::size_t i) { return (i & distance) == 0 ? a.lane[i] : b.lane[i ^ distance]; });
}
template <std::size_t distance>
inline F32x16 join_upper(const F32x16& a, const F32x16& b) {
  return each_f32([&](std::size_t i) { return (i & distance) == 0 ? a.lane[i ^ distance] : b.lane[i]; });
}
template <std::size_t distance>
inline F32x16 negate_upper(F32x16 a) {
  return each_f32([&](std::size_t i) { return (i & distance) != 0 ? -a.lane[i] : a.lane[i]; });
}

inline I32x16 set1_i32(std::int32_t x) {
  return each_i32([=](std::size_t) { return x; });
}
inline I32x16 zero_i32() { return set1_i32(0); }
inline I32x16 add(I32x16 a, I32x16 b) {
  return each_i32([&](std::size_t i) { return a.lane[i] + b.lane[i]; });
}
inline I32x16 sub_i32(I32x16 a, I32x16 b) {
  return each_i32([&](std::size_t i) { return a.lane[i] - b.lane[i]; });
}
inline F32x16 to_f32(I32x16 a) {
  return each_f32([&](std::size_t i) { return static_cast<float>(a.lane[i]); });
}
/// NaN and what does not fit give the smallest integer, as the wide sets do.
inline I32x16 to_i32(F32x16 a) {
  return each_i32([&](std::size_t i) {
    const float rounded = std::nearbyint(a.lane[i]);
    return rounded >= -0x1p31F && rounded < 0x1p31F ? static_cast<std::int32_t>(rounded) : INT32_MIN;
  });
}
template <int bits>
inline I32x16 shift_right(I32x16 a) {
  return each_i32([&](std::size_t i) { return a.lane[i] >> bits; });
}
template <int bits>
inline I32x16 shift_left(I32x16 a) {
  return each_i32(
      [&](std::size_t i) { return static_cast<std::int32_t>(static_cast<std::uint32_t>(a.lane[i]) << bits); });
}
inline std::int32_t reduce_add_i32(I32x16 a) {
  std::int32_t sum = 0;
  for (const std::int32_t x : a.lane) sum += x;
  return sum;
}
inline I32x16 load_i32(const std::int32_t* p) {
  return each_i32([=](std::size_t i) { return p[i]; });
}
inline void store_i32(std::int32_t* p, const I32x16& a) { std::memcpy(p, a.lane, sizeof a.lane); }
inline void store_i8(std::int8_t* p, I32x16 a) {
  for (std::size_t i = 0; i < 16; ++i) p[i] = static_cast<std::int8_t>(a.lane[i] & 0xFF);
}
inline void store_i8(std::int8_t* p, const I32x16& a, const I32x16& b, const I32x16& c, const I32x16& d) {
  store_i8(p, a);
  store_i8(p + 16, b);
  store_i8(p + 32, c);
  store_i8(p + 48, d);
}

inline U8x64 load_bytes(const std::uint8_t* p) {
  U8x64 result;
  std::memcpy(result.byte, p, 64);
  return result;
}
inline void store_bytes(std::uint8_t* p, const U8x64& a) { std::memcpy(p, a.byte, 64); }
inline U8x64 load_levels(const std::uint8_t* p) {
  return each_u8([=](std::size_t i) { return p[i % 16]; });
}
inline U8x64 lookup(const U8x64& levels, const U8x64& index) {
  return each_u8([&](std::size_t i) { return levels.byte[index.byte[i] & 15U]; });
}
inline U8x64 zero_bytes() { return {}; }
template <int bits>
struct LevelTable {
  std::uint8_t level[1U << bits];
};
template <int bits>
inline LevelTable<bits> load_table(const std::uint8_t* p) {
  LevelTable<bits> levels;
  std::memcpy(levels.level, p, sizeof levels.level);
  return levels;
}
template <int bits>
inline U8x64 lookup(const LevelTable<bits>& levels, const U8x64& index) {
  return each_u8([&](std::size_t i) { return levels.level[index.byte[i] % sizeof levels.level]; });
}
template <int shift>
inline U8x64 shift_right_bytes(const U8x64& a) {
  return each_u8([&](std::size_t i) { return static_cast<unsigned>(a.byte[i]) >> shift; });
}
template <int shift>
inline U8x64 shift_left_bytes(const U8x64& a) {
  return each_u8([&](std::size_t i) { return static_cast<unsigned>(a.byte[i]) << shift; });
}
template <int mask>
inline U8x64 select_bits(const U8x64& a, const U8x64& b) {
  constexpr auto kMask = static_cast<unsigned>(mask);
  return each_u8([&](std::size_t i) { return (a.byte[i] & kMask) | (b.byte[i] & ~kMask); });
}
inline U8x64 load_nibbles(const std::uint8_t* p) {
  return each_u8([=](std::size_t i) { return i < 32 ? p[i] & 15U : static_cast<unsigned>(p[i - 32]) >> 4; });
}
template <int from, int mask, int to>
inline U8x64 field_at(const U8x64& a) {
  return each_u8(
      [&](std::size_t i) { return ((static_cast<unsigned>(a.byte[i]) >> from) & static_cast<unsigned>(mask)) << to; });
}
template <int shift, int mask>
inline U8x64 field(const U8x64& a) {
  return field_at<shift, mask, 0>(a);
}
inline U8x64 join(const U8x64& a, const U8x64& b) {
  return each_u8([&](std::size_t i) { return a.byte[i] | b.byte[i]; });
}

inline constexpr std::int32_t kCodeOffset = 0;
template <bool small_codes>
inline I32x16 dot4(I32x16 acc, const U8x64& w, const std::int8_t* x) {
  return each_i32([&](std::size_t i) {
    std::int32_t sum = acc.lane[i];
    for (std::size_t j = 0; j < 4; ++j) sum += static_cast<std::int32_t>(w.byte[4 * i + j]) * x[j];
    return sum;
  });
}

inline void add_dot4(I32x16& acc, const U8x64& w, const std::int8_t* x) { acc = dot4<false>(acc, w, x); }

}  // namespace pith::kernels::PITH_ISA
