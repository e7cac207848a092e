#pragma once

// The logical vector (16 lanes) as four NEON registers, for Armv8.2-A with dot products, and with I8MM if the including
// unit defines PITH_NEON_I8MM. Units that are compiled with wide instructions include it first, so this file includes
// only intrinsics and plain C headers. avx512/simd.h documents the functions.
#include <arm_neon.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

#ifdef PITH_NEON_I8MM
#define PITH_ISA neon_i8mm
#else
#define PITH_ISA neon
#endif

namespace pith::kernels::PITH_ISA {

struct F32x16 {
  float32x4_t part[4];
};
struct I32x16 {
  int32x4_t part[4];
};
struct U8x64 {
  uint8x16_t part[4];
};

inline constexpr std::size_t kRowsMax = 4;
inline constexpr std::size_t kDotRowsMax = 2;
inline constexpr std::size_t kFloatRowsMax = 6;

/// Applies op to the registers of all arguments, one after the other.
template <typename To, typename Op, typename... From>
inline To each(Op op, From... from) {
  return {{op(from.part[0]...), op(from.part[1]...), op(from.part[2]...), op(from.part[3]...)}};
}

inline F32x16 set1(float x) {
  const float32x4_t v = vdupq_n_f32(x);
  return {{v, v, v, v}};
}
inline F32x16 zero() { return set1(0.0F); }
inline F32x16 load(const float* p) { return {{vld1q_f32(p), vld1q_f32(p + 4), vld1q_f32(p + 8), vld1q_f32(p + 12)}}; }
inline void store(float* p, F32x16 x) {
  for (std::size_t i = 0; i < 4; ++i) vst1q_f32(p + 4 * i, x.part[i]);
}
inline F32x16 load_first(const float* p, std::size_t n) {
  float padded[16] = {};
  std::memcpy(padded, p, n * sizeof(float));
  return load(padded);
}
inline void store_first(float* p, F32x16 x, std::size_t n) {
  float padded[16];
  store(padded, x);
  std::memcpy(p, padded, n * sizeof(float));
}
inline float first(F32x16 a) { return vgetq_lane_f32(a.part[0], 0); }
inline F32x16 load_f16(const std::uint16_t* p) {
  const float16x8_t low = vreinterpretq_f16_u16(vld1q_u16(p));
  const float16x8_t high = vreinterpretq_f16_u16(vld1q_u16(p + 8));
  return {{vcvt_f32_f16(vget_low_f16(low)), vcvt_high_f32_f16(low), vcvt_f32_f16(vget_low_f16(high)),
           vcvt_high_f32_f16(high)}};
}
inline void store_f16(std::uint16_t* p, F32x16 x) {
  for (std::size_t i = 0; i < 4; ++i) vst1_u16(p + 4 * i, vreinterpret_u16_f16(vcvt_f16_f32(x.part[i])));
}
inline F32x16 load_bf16(const std::uint16_t* p) {
  const auto four = [](const std::uint16_t* q) { return vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(q), 16)); };
  return {{four(p), four(p + 4), four(p + 8), four(p + 12)}};
}
inline F32x16 load_u8(const std::uint8_t* p) {
  const uint8x16_t bytes = vld1q_u8(p);
  const uint16x8_t low = vmovl_u8(vget_low_u8(bytes));
  const uint16x8_t high = vmovl_high_u8(bytes);
  return {{vcvtq_f32_u32(vmovl_u16(vget_low_u16(low))), vcvtq_f32_u32(vmovl_high_u16(low)),
           vcvtq_f32_u32(vmovl_u16(vget_low_u16(high))), vcvtq_f32_u32(vmovl_high_u16(high))}};
}
inline F32x16 load_i8(const std::uint8_t* p) {
  const int8x16_t bytes = vreinterpretq_s8_u8(vld1q_u8(p));
  const int16x8_t low = vmovl_s8(vget_low_s8(bytes));
  const int16x8_t high = vmovl_high_s8(bytes);
  return {{vcvtq_f32_s32(vmovl_s16(vget_low_s16(low))), vcvtq_f32_s32(vmovl_high_s16(low)),
           vcvtq_f32_s32(vmovl_s16(vget_low_s16(high))), vcvtq_f32_s32(vmovl_high_s16(high))}};
}
inline F32x16 add(F32x16 a, F32x16 b) {
  return each<F32x16>([](float32x4_t x, float32x4_t y) { return vaddq_f32(x, y); }, a, b);
}
inline F32x16 sub(F32x16 a, F32x16 b) {
  return each<F32x16>([](float32x4_t x, float32x4_t y) { return vsubq_f32(x, y); }, a, b);
}
inline F32x16 mul(F32x16 a, F32x16 b) {
  return each<F32x16>([](float32x4_t x, float32x4_t y) { return vmulq_f32(x, y); }, a, b);
}
inline F32x16 div(F32x16 a, F32x16 b) {
  return each<F32x16>([](float32x4_t x, float32x4_t y) { return vdivq_f32(x, y); }, a, b);
}
inline F32x16 fma(F32x16 a, F32x16 b, F32x16 c) {
  return each<F32x16>([](float32x4_t x, float32x4_t y, float32x4_t z) { return vfmaq_f32(z, x, y); }, a, b, c);
}
/// NEON's own minimum and maximum return NaN if either operand is NaN; these must return the second operand.
inline F32x16 min(F32x16 a, F32x16 b) {
  return each<F32x16>([](float32x4_t x, float32x4_t y) { return vbslq_f32(vcltq_f32(x, y), x, y); }, a, b);
}
inline F32x16 max(F32x16 a, F32x16 b) {
  return each<F32x16>([](float32x4_t x, float32x4_t y) { return vbslq_f32(vcgtq_f32(x, y), x, y); }, a, b);
}
inline F32x16 abs(F32x16 a) {
  return each<F32x16>([](float32x4_t x) { return vabsq_f32(x); }, a);
}
inline F32x16 round(F32x16 a) {
  return each<F32x16>([](float32x4_t x) { return vrndnq_f32(x); }, a);
}
inline F32x16 select_less(F32x16 a, F32x16 b, F32x16 x, F32x16 y) {
  return each<F32x16>(
      [](float32x4_t l, float32x4_t r, float32x4_t yes, float32x4_t no) { return vbslq_f32(vcltq_f32(l, r), yes, no); },
      a, b, x, y);
}
inline F32x16 exp2_integral(F32x16 n) {
  return each<F32x16>(
      [](float32x4_t x) {
        return vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(vcvtnq_s32_f32(x), vdupq_n_s32(127)), 23));
      },
      n);
}
inline F32x16 fraction(F32x16 x) {
  return each<F32x16>(
      [](float32x4_t a) {
        const float32x4_t least = vdupq_n_f32(-1e30F);
        a = vbslq_f32(vcgtq_f32(least, a), least, a);
        return vsubq_f32(a, vrndmq_f32(a));
      },
      x);
}
inline F32x16 scale_exp2(F32x16 a, F32x16 x) {
  const F32x16 power = each<F32x16>([](float32x4_t y) { return vrndmq_f32(y); }, x);
  return mul(a, exp2_integral(max(set1(-126.0F), power)));
}
inline F32x16 exponent(F32x16 x) {
  return each<F32x16>(
      [](float32x4_t a) {
        const int32x4_t biased = vreinterpretq_s32_u32(vshrq_n_u32(vreinterpretq_u32_f32(a), 23));
        return vcvtq_f32_s32(vsubq_s32(biased, vdupq_n_s32(127)));
      },
      x);
}
inline F32x16 mantissa(F32x16 x) {
  return each<F32x16>(
      [](float32x4_t a) {
        const uint32x4_t bits = vandq_u32(vreinterpretq_u32_f32(a), vdupq_n_u32(0x007FFFFF));
        return vreinterpretq_f32_u32(vorrq_u32(bits, vdupq_n_u32(0x3F800000)));
      },
      x);
}
inline F32x16 keep_range(F32x16 a, std::size_t begin, std::size_t end, F32x16 other) {
  const uint32x4_t from = vdupq_n_u32(static_cast<std::uint32_t>(begin > 16 ? 16 : begin));
  const uint32x4_t to = vdupq_n_u32(static_cast<std::uint32_t>(end > 16 ? 16 : end));
  uint32x4_t lane = {0, 1, 2, 3};
  for (std::size_t i = 0; i < 4; ++i, lane = vaddq_u32(lane, vdupq_n_u32(4))) {
    a.part[i] = vbslq_f32(vandq_u32(vcgeq_u32(lane, from), vcltq_u32(lane, to)), a.part[i], other.part[i]);
  }
  return a;
}
template <int distance>
inline F32x16 exchange(F32x16 a) {
  if constexpr (distance == 1) return each<F32x16>([](float32x4_t x) { return vrev64q_f32(x); }, a);
  if constexpr (distance == 2) return each<F32x16>([](float32x4_t x) { return vextq_f32(x, x, 2); }, a);
  if constexpr (distance == 4) return {{a.part[1], a.part[0], a.part[3], a.part[2]}};
  if constexpr (distance == 8) return {{a.part[2], a.part[3], a.part[0], a.part[1]}};
}
template <int distance>
inline F32x16 join_lower(F32x16 a, F32x16 b) {
  if constexpr (distance == 1) {
    return each<F32x16>([](float32x4_t x, float32x4_t y) { return vtrn1q_f32(x, y); }, a, b);
  }
  if constexpr (distance == 2) {
    return each<F32x16>([](float32x4_t x, float32x4_t y) { return vcombine_f32(vget_low_f32(x), vget_low_f32(y)); }, a,
                        b);
  }
  if constexpr (distance == 4) return {{a.part[0], b.part[0], a.part[2], b.part[2]}};
  if constexpr (distance == 8) return {{a.part[0], a.part[1], b.part[0], b.part[1]}};
}
template <int distance>
inline F32x16 join_upper(F32x16 a, F32x16 b) {
  if constexpr (distance == 1) {
    return each<F32x16>([](float32x4_t x, float32x4_t y) { return vtrn2q_f32(x, y); }, a, b);
  }
  if constexpr (distance == 2) {
    return each<F32x16>([](float32x4_t x, float32x4_t y) { return vcombine_f32(vget_high_f32(x), vget_high_f32(y)); },
                        a, b);
  }
  if constexpr (distance == 4) return {{a.part[1], b.part[1], a.part[3], b.part[3]}};
  if constexpr (distance == 8) return {{a.part[2], a.part[3], b.part[2], b.part[3]}};
}
template <int distance>
inline F32x16 negate_upper(F32x16 a) {
  if constexpr (distance < 4) {
    constexpr std::uint32_t kSign = 0x80000000U;
    const uint32x4_t signs = {0, distance == 1 ? kSign : 0, distance == 2 ? kSign : 0, kSign};
    return each<F32x16>(
        [&](float32x4_t x) { return vreinterpretq_f32_u32(veorq_u32(vreinterpretq_u32_f32(x), signs)); }, a);
  }
  if constexpr (distance == 4) return {{a.part[0], vnegq_f32(a.part[1]), a.part[2], vnegq_f32(a.part[3])}};
  if constexpr (distance == 8) return {{a.part[0], a.part[1], vnegq_f32(a.part[2]), vnegq_f32(a.part[3])}};
}

inline I32x16 set1_i32(std::int32_t x) {
  const int32x4_t v = vdupq_n_s32(x);
  return {{v, v, v, v}};
}
inline I32x16 zero_i32() { return set1_i32(0); }
inline I32x16 add(I32x16 a, I32x16 b) {
  return each<I32x16>([](int32x4_t x, int32x4_t y) { return vaddq_s32(x, y); }, a, b);
}
inline I32x16 sub_i32(I32x16 a, I32x16 b) {
  return each<I32x16>([](int32x4_t x, int32x4_t y) { return vsubq_s32(x, y); }, a, b);
}
inline F32x16 to_f32(I32x16 a) {
  return each<F32x16>([](int32x4_t x) { return vcvtq_f32_s32(x); }, a);
}
/// NaN and values out of range become the smallest integer, as on the other sets.
inline I32x16 to_i32(F32x16 a) {
  return each<I32x16>(
      [](float32x4_t x) {
        return vbslq_s32(vcaltq_f32(x, vdupq_n_f32(0x1p31F)), vcvtnq_s32_f32(x), vdupq_n_s32(INT32_MIN));
      },
      a);
}
template <int bits>
inline I32x16 shift_right(I32x16 a) {
  return each<I32x16>([](int32x4_t x) { return vshrq_n_s32(x, bits); }, a);
}
template <int bits>
inline I32x16 shift_left(I32x16 a) {
  return each<I32x16>([](int32x4_t x) { return vshlq_n_s32(x, bits); }, a);
}
inline std::int32_t reduce_add_i32(I32x16 a) {
  return vaddvq_s32(vaddq_s32(vaddq_s32(a.part[0], a.part[1]), vaddq_s32(a.part[2], a.part[3])));
}
inline I32x16 load_i32(const std::int32_t* p) {
  return {{vld1q_s32(p), vld1q_s32(p + 4), vld1q_s32(p + 8), vld1q_s32(p + 12)}};
}
inline void store_i32(std::int32_t* p, I32x16 a) {
  for (std::size_t i = 0; i < 4; ++i) vst1q_s32(p + 4 * i, a.part[i]);
}
inline void store_i8(std::int8_t* p, I32x16 a) {
  const auto eight = [](int32x4_t x, int32x4_t y) {
    return vuzp1q_s16(vreinterpretq_s16_s32(x), vreinterpretq_s16_s32(y));
  };
  const int16x8_t low = eight(a.part[0], a.part[1]);
  const int16x8_t high = eight(a.part[2], a.part[3]);
  vst1q_s8(p, vuzp1q_s8(vreinterpretq_s8_s16(low), vreinterpretq_s8_s16(high)));
}

inline void store_i8(std::int8_t* p, I32x16 a, I32x16 b, I32x16 c, I32x16 d) {
  store_i8(p, a);
  store_i8(p + 16, b);
  store_i8(p + 32, c);
  store_i8(p + 48, d);
}

inline U8x64 load_bytes(const std::uint8_t* p) {
  return {{vld1q_u8(p), vld1q_u8(p + 16), vld1q_u8(p + 32), vld1q_u8(p + 48)}};
}
inline void store_bytes(std::uint8_t* p, U8x64 a) {
  for (std::size_t i = 0; i < 4; ++i) vst1q_u8(p + 16 * i, a.part[i]);
}
inline U8x64 load_levels(const std::uint8_t* p) {
  const uint8x16_t table = vld1q_u8(p);
  return {{table, table, table, table}};
}
inline U8x64 lookup(U8x64 levels, U8x64 index) {
  return each<U8x64>([](uint8x16_t table, uint8x16_t i) { return vqtbl1q_u8(table, i); }, levels, index);
}
inline U8x64 zero_bytes() {
  const uint8x16_t v = vdupq_n_u8(0);
  return {{v, v, v, v}};
}
template <int bits>
struct LevelTable {
  uint8x16x2_t table;
};
template <int bits>
inline LevelTable<bits> load_table(const std::uint8_t* p) {
  if constexpr (bits == 5) return {vld1q_u8_x2(p)};
  const uint8x16_t low = bits == 3 ? vcombine_u8(vld1_u8(p), vld1_u8(p)) : vld1q_u8(p);
  return {{{low, low}}};
}
template <int bits>
inline U8x64 lookup(const LevelTable<bits>& levels, U8x64 index) {
  return each<U8x64>([&](uint8x16_t i) { return vqtbl2q_u8(levels.table, vandq_u8(i, vdupq_n_u8((1U << bits) - 1U))); },
                     index);
}
inline U8x64 load_nibbles(const std::uint8_t* p) {
  const uint8x16_t mask = vdupq_n_u8(0x0F);
  const uint8x16_t a = vld1q_u8(p);
  const uint8x16_t b = vld1q_u8(p + 16);
  return {{vandq_u8(a, mask), vandq_u8(b, mask), vshrq_n_u8(a, 4), vshrq_n_u8(b, 4)}};
}
template <int shift>
inline U8x64 shift_right_bytes(U8x64 a) {
  return each<U8x64>([](uint8x16_t x) { return vshrq_n_u8(x, shift); }, a);
}
template <int shift>
inline U8x64 shift_left_bytes(U8x64 a) {
  return each<U8x64>([](uint8x16_t x) { return vshlq_n_u8(x, shift); }, a);
}
template <int mask>
inline U8x64 select_bits(U8x64 a, U8x64 b) {
  return each<U8x64>(
      [](uint8x16_t x, uint8x16_t y) { return vbslq_u8(vdupq_n_u8(static_cast<std::uint8_t>(mask)), x, y); }, a, b);
}
template <int from, int mask, int to>
inline uint8x16_t field_at(uint8x16_t a) {
  constexpr int kShift = from - to;
  constexpr int kMask = mask << to;
  // If the shift alone leaves exactly the mask's bits, no mask is needed.
  constexpr int kLeft = kShift > 0 ? 0xFF >> kShift : (0xFF << -kShift) & 0xFF;
  uint8x16_t shifted = a;
  if constexpr (kShift > 0) shifted = vshrq_n_u8(a, kShift);
  if constexpr (kShift < 0) shifted = vshlq_n_u8(a, -kShift);
  if constexpr (kMask == kLeft) return shifted;
  return vandq_u8(shifted, vdupq_n_u8(kMask));
}
template <int from, int mask, int to>
inline U8x64 field_at(U8x64 a) {
  return each<U8x64>([](uint8x16_t x) { return field_at<from, mask, to>(x); }, a);
}
template <int shift, int mask>
inline U8x64 field(U8x64 a) {
  return field_at<shift, mask, 0>(a);
}
inline U8x64 join(U8x64 a, U8x64 b) {
  return each<U8x64>([](uint8x16_t x, uint8x16_t y) { return vorrq_u8(x, y); }, a, b);
}

#ifdef PITH_NEON_I8MM
inline constexpr std::int32_t kCodeOffset = 0;
template <bool small_codes>
inline int32x4_t dot4(int32x4_t acc, uint8x16_t w, int8x8_t x) {
  return vusdotq_lane_s32(acc, w, x, 0);
}
#else
/// The instruction multiplies signed bytes, so 128 is subtracted from large codes.
inline constexpr std::int32_t kCodeOffset = 128;
template <bool small_codes>
inline int32x4_t dot4(int32x4_t acc, uint8x16_t w, int8x8_t x) {
  const uint8x16_t signed_codes = small_codes ? w : veorq_u8(w, vdupq_n_u8(0x80));
  return vdotq_lane_s32(acc, vreinterpretq_s8_u8(signed_codes), x, 0);
}
#endif
template <bool small_codes>
inline I32x16 dot4(I32x16 acc, U8x64 w, const std::int8_t* x) {
  // The instruction broadcasts one element. Loading it as a float puts it into a vector register directly.
  float four = 0.0F;
  std::memcpy(&four, x, 4);
  const int8x8_t element = vreinterpret_s8_f32(float32x2_t{four, 0.0F});
  return each<I32x16>([&](int32x4_t sum, uint8x16_t codes) { return dot4<small_codes>(sum, codes, element); }, acc, w);
}

inline void add_dot4(I32x16& acc, U8x64 w, const std::int8_t* x) { acc = dot4<false>(acc, w, x); }

inline constexpr std::size_t kWholeColumnsMax = 0;

}  // namespace pith::kernels::PITH_ISA
