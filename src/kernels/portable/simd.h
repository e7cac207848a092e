#pragma once

// The logical vector (16 lanes) as four vectors of 16 bytes, in the vector extensions that GCC and clang have for every
// processor: the reference that the wide sets are tested against, and what runs where no wide set is known. Loops over
// lanes would say the same, but take g++ -O3 three to four times as long to compile. Assumes a little-endian machine,
// which src/kernels/select.cpp checks. avx512/simd.h documents the functions.
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

// Operations that work lane by lane, or in many steps, are called rather than inlined: a call costs little beside them,
// and kernels that contain hundreds of copies would take long to compile.
#define PITH_CALLED [[gnu::noinline]]

namespace pith::kernels::PITH_ISA {

using F32x4 [[gnu::vector_size(16)]] = float;
using I32x4 [[gnu::vector_size(16)]] = std::int32_t;
using U32x4 [[gnu::vector_size(16)]] = std::uint32_t;
using I16x8 [[gnu::vector_size(16)]] = std::int16_t;
using U16x8 [[gnu::vector_size(16)]] = std::uint16_t;
using U8x16 [[gnu::vector_size(16)]] = std::uint8_t;

struct F32x16 {
  F32x4 part[4];
};
struct I32x16 {
  I32x4 part[4];
};
struct U8x64 {
  U8x16 part[4];
};

/// The table's name: "portable", or "fused" in tests.
#ifdef PITH_FUSED
inline constexpr const char* kName = "fused";
#else
inline constexpr const char* kName = "portable";
#endif

inline constexpr std::size_t kRowsMax = 4;
inline constexpr std::size_t kDotRowsMax = 2;
inline constexpr std::size_t kFloatRowsMax = 4;

/// Applies op to the parts of all arguments, one after the other.
template <typename To, typename Op, typename... From>
inline To each(const Op& op, const From&... from) {
  return {{op(from.part[0]...), op(from.part[1]...), op(from.part[2]...), op(from.part[3]...)}};
}
/// Calls make(lane) for each of the 16 lanes, for what vectors cannot do.
template <typename To, typename Make>
inline To each_lane(const Make& make) {
  decltype(make(0)) lanes[16];
  for (std::size_t i = 0; i < 16; ++i) lanes[i] = make(i);
  To x;
  std::memcpy(&x, lanes, sizeof x);
  return x;
}
inline float at(const F32x16& a, std::size_t i) { return a.part[i / 4][i % 4]; }

inline F32x16 set1(float x) {
  const F32x4 v = {x, x, x, x};
  return {{v, v, v, v}};
}
inline F32x16 zero() { return set1(0.0F); }
inline F32x16 load(const float* p) {
  F32x16 x;
  std::memcpy(&x, p, sizeof x);
  return x;
}
inline F32x16 load_first(const float* p, std::size_t n) {
  F32x16 x = zero();
  std::memcpy(&x, p, n * sizeof(float));
  return x;
}
inline void store_first(float* p, const F32x16& x, std::size_t n) { std::memcpy(p, &x, n * sizeof(float)); }
inline void store(float* p, const F32x16& x) { std::memcpy(p, &x, sizeof x); }
inline float first(const F32x16& a) { return a.part[0][0]; }
/// Does what f16_to_f32() does, four at a time.
inline F32x4 widen_f16(U32x4 half) {
  const U32x4 sign = (half & 0x8000U) << 16;
  const U32x4 exponent = half & 0x7C00U;
  const U32x4 shifted = (half & 0x7FFFU) << 13;
  const F32x4 subnormal = __builtin_convertvector(std::bit_cast<I32x4>(half & 0x3FFU), F32x4) * 0x1p-24F;
  const U32x4 normal = exponent == 0x7C00U ? shifted | (255U << 23) : shifted + (112U << 23);
  return std::bit_cast<F32x4>((exponent == 0U ? std::bit_cast<U32x4>(subnormal) : normal) | sign);
}
PITH_CALLED inline F32x16 load_f16(const std::uint16_t* p) {
  U32x4 pairs[2];
  std::memcpy(pairs, p, sizeof pairs);
  const U32x4 even[2] = {pairs[0] & 0xFFFFU, pairs[1] & 0xFFFFU};
  const U32x4 odd[2] = {pairs[0] >> 16, pairs[1] >> 16};
  return {{widen_f16(__builtin_shufflevector(even[0], odd[0], 0, 4, 1, 5)),
           widen_f16(__builtin_shufflevector(even[0], odd[0], 2, 6, 3, 7)),
           widen_f16(__builtin_shufflevector(even[1], odd[1], 0, 4, 1, 5)),
           widen_f16(__builtin_shufflevector(even[1], odd[1], 2, 6, 3, 7))}};
}
PITH_CALLED inline void store_f16(std::uint16_t* p, const F32x16& x) {
  for (std::size_t i = 0; i < 16; ++i) p[i] = f32_to_f16(at(x, i));
}
inline F32x16 load_bf16(const std::uint16_t* p) {
  return each_lane<F32x16>([=](std::size_t i) { return bf16_to_f32(p[i]); });
}
inline F32x16 load_u8(const std::uint8_t* p) {
  return each_lane<F32x16>([=](std::size_t i) { return static_cast<float>(p[i]); });
}
inline F32x16 load_i8(const std::uint8_t* p) {
  return each_lane<F32x16>([=](std::size_t i) { return static_cast<float>(static_cast<std::int8_t>(p[i])); });
}
inline F32x16 add(const F32x16& a, const F32x16& b) {
  return each<F32x16>([](F32x4 x, F32x4 y) { return x + y; }, a, b);
}
inline F32x16 sub(const F32x16& a, const F32x16& b) {
  return each<F32x16>([](F32x4 x, F32x4 y) { return x - y; }, a, b);
}
inline F32x16 mul(const F32x16& a, const F32x16& b) {
  return each<F32x16>([](F32x4 x, F32x4 y) { return x * y; }, a, b);
}
inline F32x16 div(const F32x16& a, const F32x16& b) {
  return each<F32x16>([](F32x4 x, F32x4 y) { return x / y; }, a, b);
}
/// Rounds twice, because a library call per lane would be too slow where the processor has no fused form. Tests compile
/// these kernels with that call (PITH_FUSED): every wide set must give the same bits as they do.
inline F32x16 fma(const F32x16& a, const F32x16& b, const F32x16& c) {
#ifdef PITH_FUSED
  return each_lane<F32x16>([&](std::size_t i) { return std::fma(at(a, i), at(b, i), at(c, i)); });
#else
  return each<F32x16>([](F32x4 x, F32x4 y, F32x4 z) { return x * y + z; }, a, b, c);
#endif
}
inline F32x16 min(const F32x16& a, const F32x16& b) {
  return each<F32x16>([](F32x4 x, F32x4 y) { return x < y ? x : y; }, a, b);
}
inline F32x16 max(const F32x16& a, const F32x16& b) {
  return each<F32x16>([](F32x4 x, F32x4 y) { return x > y ? x : y; }, a, b);
}
inline F32x16 abs(const F32x16& a) {
  return each<F32x16>([](F32x4 x) { return std::bit_cast<F32x4>(std::bit_cast<U32x4>(x) & 0x7FFFFFFFU); }, a);
}
/// Rounds to nearest even. Floats from 2^23 on are integers; below, adding 2^23 leaves no bits for a fraction.
inline F32x4 nearest(F32x4 x) {
  const U32x4 sign = std::bit_cast<U32x4>(x) & 0x80000000U;
  const F32x4 size = std::bit_cast<F32x4>(std::bit_cast<U32x4>(x) ^ sign);
  const F32x4 rounded = (size + 0x1p23F) - 0x1p23F;
  return size < 0x1p23F ? std::bit_cast<F32x4>(std::bit_cast<U32x4>(rounded) | sign) : x;
}
inline F32x4 floor(F32x4 x) {
  const F32x4 rounded = nearest(x);
  const F32x4 one = {1.0F, 1.0F, 1.0F, 1.0F};
  return rounded - (rounded > x ? one : F32x4{});
}
/// Returns 2^n for whole numbers in [-126, 127].
inline F32x4 power_of_two(F32x4 n) {
  return std::bit_cast<F32x4>(std::bit_cast<U32x4>(__builtin_convertvector(n, I32x4) + 127) << 23);
}
inline F32x16 round(const F32x16& a) { return each<F32x16>(nearest, a); }
inline F32x16 select_less(const F32x16& a, const F32x16& b, const F32x16& x, const F32x16& y) {
  return each<F32x16>([](F32x4 l, F32x4 r, F32x4 yes, F32x4 no) { return l < r ? yes : no; }, a, b, x, y);
}
inline F32x16 exp2_integral(const F32x16& n) {
  // NaN cannot be converted to an integer. Any power will do for it, because it is multiplied with NaN.
  const auto power = [](F32x4 x) {
    const I32x4 is_number = x == x;  // NOLINT(misc-redundant-expression): not where it is NaN
    return power_of_two(is_number ? x : F32x4{});
  };
  return each<F32x16>(power, n);
}
inline F32x16 fraction(const F32x16& x) {
  const F32x4 least = {-1e30F, -1e30F, -1e30F, -1e30F};
  return each<F32x16>(
      [&](F32x4 part) {
        const F32x4 a = part < least ? least : part;
        return a - floor(a);
      },
      x);
}
inline F32x16 scale_exp2(const F32x16& a, const F32x16& x) {
  const F32x4 least = {-126.0F, -126.0F, -126.0F, -126.0F};
  return each<F32x16>(
      [&](F32x4 factor, F32x4 part) {
        const F32x4 power = floor(part);
        const F32x4 clamped = power < least ? least : power;
        // NaN and infinity are left to the product.
        return factor * (power <= 127.0F ? power_of_two(power <= 127.0F ? clamped : F32x4{}) : power);
      },
      a, x);
}
inline F32x16 exponent(const F32x16& x) {
  return each<F32x16>(
      [](F32x4 a) { return __builtin_convertvector(std::bit_cast<I32x4>(std::bit_cast<U32x4>(a) >> 23) - 127, F32x4); },
      x);
}
inline F32x16 mantissa(const F32x16& x) {
  return each<F32x16>(
      [](F32x4 a) { return std::bit_cast<F32x4>((std::bit_cast<U32x4>(a) & 0x007FFFFFU) | 0x3F800000U); }, x);
}
PITH_CALLED inline F32x16 keep_range(const F32x16& a, std::size_t begin, std::size_t end, const F32x16& other) {
  return each_lane<F32x16>([&](std::size_t i) { return i >= begin && i < end ? at(a, i) : at(other, i); });
}
template <int distance>
inline F32x16 exchange(const F32x16& a) {
  if constexpr (distance == 1)
    return each<F32x16>([](F32x4 x) { return __builtin_shufflevector(x, x, 1, 0, 3, 2); }, a);
  if constexpr (distance == 2)
    return each<F32x16>([](F32x4 x) { return __builtin_shufflevector(x, x, 2, 3, 0, 1); }, a);
  if constexpr (distance == 4) return {{a.part[1], a.part[0], a.part[3], a.part[2]}};
  if constexpr (distance == 8) return {{a.part[2], a.part[3], a.part[0], a.part[1]}};
}
template <int distance>
inline F32x16 join_lower(const F32x16& a, const F32x16& b) {
  const auto pick1 = [](F32x4 x, F32x4 y) { return __builtin_shufflevector(x, y, 0, 4, 2, 6); };
  const auto pick2 = [](F32x4 x, F32x4 y) { return __builtin_shufflevector(x, y, 0, 1, 4, 5); };
  if constexpr (distance == 1) return each<F32x16>(pick1, a, b);
  if constexpr (distance == 2) return each<F32x16>(pick2, a, b);
  if constexpr (distance == 4) return {{a.part[0], b.part[0], a.part[2], b.part[2]}};
  if constexpr (distance == 8) return {{a.part[0], a.part[1], b.part[0], b.part[1]}};
}
template <int distance>
inline F32x16 join_upper(const F32x16& a, const F32x16& b) {
  const auto pick1 = [](F32x4 x, F32x4 y) { return __builtin_shufflevector(x, y, 1, 5, 3, 7); };
  const auto pick2 = [](F32x4 x, F32x4 y) { return __builtin_shufflevector(x, y, 2, 3, 6, 7); };
  if constexpr (distance == 1) return each<F32x16>(pick1, a, b);
  if constexpr (distance == 2) return each<F32x16>(pick2, a, b);
  if constexpr (distance == 4) return {{a.part[1], b.part[1], a.part[3], b.part[3]}};
  if constexpr (distance == 8) return {{a.part[2], a.part[3], b.part[2], b.part[3]}};
}
template <int distance>
inline F32x16 negate_upper(const F32x16& a) {
  if constexpr (distance < 4) {
    constexpr std::uint32_t kSign = 0x80000000U;
    const U32x4 signs = {0, distance == 1 ? kSign : 0, distance == 2 ? kSign : 0, kSign};
    return each<F32x16>([&](F32x4 x) { return std::bit_cast<F32x4>(std::bit_cast<U32x4>(x) ^ signs); }, a);
  }
  if constexpr (distance == 4) return {{a.part[0], -a.part[1], a.part[2], -a.part[3]}};
  if constexpr (distance == 8) return {{a.part[0], a.part[1], -a.part[2], -a.part[3]}};
}

inline I32x16 set1_i32(std::int32_t x) {
  const I32x4 v = {x, x, x, x};
  return {{v, v, v, v}};
}
inline I32x16 zero_i32() { return set1_i32(0); }
inline I32x16 add(const I32x16& a, const I32x16& b) {
  return each<I32x16>([](I32x4 x, I32x4 y) { return x + y; }, a, b);
}
inline I32x16 sub_i32(const I32x16& a, const I32x16& b) {
  return each<I32x16>([](I32x4 x, I32x4 y) { return x - y; }, a, b);
}
inline F32x16 to_f32(const I32x16& a) {
  return each<F32x16>([](I32x4 x) { return __builtin_convertvector(x, F32x4); }, a);
}
/// NaN and values out of range become the smallest integer, as on the wide sets.
inline I32x16 to_i32(const F32x16& a) {
  return each<I32x16>(
      [](F32x4 x) {
        const F32x4 rounded = nearest(x);
        const I32x4 fits = (rounded >= -0x1p31F) & (rounded < 0x1p31F);
        const I32x4 smallest = {INT32_MIN, INT32_MIN, INT32_MIN, INT32_MIN};
        return fits ? __builtin_convertvector(fits ? rounded : F32x4{}, I32x4) : smallest;
      },
      a);
}
template <int bits>
inline I32x16 shift_right(const I32x16& a) {
  return each<I32x16>([](I32x4 x) { return x >> bits; }, a);
}
template <int bits>
inline I32x16 shift_left(const I32x16& a) {
  return each<I32x16>([](I32x4 x) { return std::bit_cast<I32x4>(std::bit_cast<U32x4>(x) << bits); }, a);
}
inline std::int32_t reduce_add_i32(const I32x16& a) {
  const I32x4 sum = a.part[0] + a.part[1] + a.part[2] + a.part[3];
  return sum[0] + sum[1] + sum[2] + sum[3];
}
inline I32x16 load_i32(const std::int32_t* p) {
  I32x16 x;
  std::memcpy(&x, p, sizeof x);
  return x;
}
inline void store_i32(std::int32_t* p, const I32x16& a) { std::memcpy(p, &a, sizeof a); }
PITH_CALLED inline void store_i8(std::int8_t* p, const I32x16& a) {
  for (std::size_t i = 0; i < 16; ++i) p[i] = static_cast<std::int8_t>(a.part[i / 4][i % 4] & 0xFF);
}
inline void store_i8(std::int8_t* p, const I32x16& a, const I32x16& b, const I32x16& c, const I32x16& d) {
  store_i8(p, a);
  store_i8(p + 16, b);
  store_i8(p + 32, c);
  store_i8(p + 48, d);
}

inline U8x64 load_bytes(const std::uint8_t* p) {
  U8x64 result;
  std::memcpy(&result, p, 64);
  return result;
}
inline void store_bytes(std::uint8_t* p, const U8x64& a) { std::memcpy(p, &a, 64); }
inline U8x64 load_levels(const std::uint8_t* p) {
  U8x16 levels;
  std::memcpy(&levels, p, 16);
  return {{levels, levels, levels, levels}};
}
/// Returns table[index % size] for each byte.
PITH_CALLED inline U8x64 look_up(const std::uint8_t* table, unsigned size, const U8x64& index) {
  std::uint8_t bytes[64];
  store_bytes(bytes, index);
  for (std::uint8_t& byte : bytes) byte = table[byte % size];
  return load_bytes(bytes);
}
inline U8x64 lookup(const U8x64& levels, const U8x64& index) {
  std::uint8_t table[16];
  std::memcpy(table, &levels, 16);
  return look_up(table, 16, index);
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
  return look_up(levels.level, sizeof levels.level, index);
}
template <int shift>
inline U8x64 shift_right_bytes(const U8x64& a) {
  return each<U8x64>([](U8x16 x) { return x >> shift; }, a);
}
template <int shift>
inline U8x64 shift_left_bytes(const U8x64& a) {
  return each<U8x64>([](U8x16 x) { return x << shift; }, a);
}
template <int mask>
inline U8x64 select_bits(const U8x64& a, const U8x64& b) {
  return each<U8x64>(
      [](U8x16 x, U8x16 y) { return (x & static_cast<std::uint8_t>(mask)) | (y & static_cast<std::uint8_t>(~mask)); },
      a, b);
}
inline U8x64 load_nibbles(const std::uint8_t* p) {
  U8x16 bytes[2];
  std::memcpy(bytes, p, 32);
  return {{bytes[0] & std::uint8_t{15}, bytes[1] & std::uint8_t{15}, bytes[0] >> 4, bytes[1] >> 4}};
}
template <int from, int mask, int to>
inline U8x64 field_at(const U8x64& a) {
  return each<U8x64>([](U8x16 x) { return ((x >> from) & static_cast<std::uint8_t>(mask)) << to; }, a);
}
template <int shift, int mask>
inline U8x64 field(const U8x64& a) {
  return field_at<shift, mask, 0>(a);
}
inline U8x64 join(const U8x64& a, const U8x64& b) {
  return each<U8x64>([](U8x16 x, U8x16 y) { return x | y; }, a, b);
}

inline constexpr std::int32_t kCodeOffset = 0;
/// Adds each pair of adjacent 16-bit numbers.
inline I32x4 add_pairs(I16x8 x) {
  const auto pairs = std::bit_cast<I32x4>(x);
  return (std::bit_cast<I32x4>(std::bit_cast<U32x4>(pairs) << 16) >> 16) + (pairs >> 16);
}
template <bool small_codes>
inline I32x16 dot4(const I32x16& acc, const U8x64& w, const std::int8_t* x) {
  // A product of codes fits into 16 bits, but the sum of two does not. x is multiplied with even and odd bytes
  // separately.
  const auto x0 = std::int16_t{x[0]}, x1 = std::int16_t{x[1]}, x2 = std::int16_t{x[2]}, x3 = std::int16_t{x[3]};
  const I16x8 even = {x0, x2, x0, x2, x0, x2, x0, x2};
  const I16x8 odd = {x1, x3, x1, x3, x1, x3, x1, x3};
  return each<I32x16>(
      [&](I32x4 sum, U8x16 codes) {
        const auto pairs = std::bit_cast<U16x8>(codes);
        return sum + add_pairs(std::bit_cast<I16x8>(pairs & std::uint16_t{255}) * even) +
               add_pairs(std::bit_cast<I16x8>(pairs >> 8) * odd);
      },
      acc, w);
}

inline void add_dot4(I32x16& acc, const U8x64& w, const std::int8_t* x) { acc = dot4<false>(acc, w, x); }

inline constexpr std::size_t kWholeColumnsMax = 0;

}  // namespace pith::kernels::PITH_ISA
