#pragma once

// The logical vector (16 lanes) as two AVX2 registers. The units of this folder include it first; they are compiled
// with wide instructions, so this file includes only intrinsics and plain C headers. avx512/simd.h documents the
// functions.
#include <immintrin.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

#define PITH_ISA avx2

namespace pith::kernels::avx2 {

struct F32x16 {
  __m256 low, high;
};
struct I32x16 {
  __m256i low, high;
};
struct U8x64 {
  __m256i low, high;
};

inline constexpr std::size_t kRowsMax = 4;
inline constexpr std::size_t kDotRowsMax = 2;
inline constexpr std::size_t kFloatRowsMax = 4;

inline F32x16 zero() { return {_mm256_setzero_ps(), _mm256_setzero_ps()}; }
inline F32x16 set1(float x) { return {_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
inline F32x16 load(const float* p) { return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
inline void store(float* p, F32x16 x) {
  _mm256_storeu_ps(p, x.low);
  _mm256_storeu_ps(p + 8, x.high);
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
inline __m128i load_128(const void* p) { return _mm_loadu_si128(static_cast<const __m128i*>(p)); }
inline float first(F32x16 a) { return _mm256_cvtss_f32(a.low); }
inline F32x16 load_f16(const std::uint16_t* p) {
  return {_mm256_cvtph_ps(load_128(p)), _mm256_cvtph_ps(load_128(p + 8))};
}
inline void store_f16(std::uint16_t* p, F32x16 x) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_cvtps_ph(x.low, _MM_FROUND_TO_NEAREST_INT));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p + 8), _mm256_cvtps_ph(x.high, _MM_FROUND_TO_NEAREST_INT));
}
inline __m256 widen_bf16(__m128i x) { return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(x), 16)); }
inline F32x16 load_bf16(const std::uint16_t* p) { return {widen_bf16(load_128(p)), widen_bf16(load_128(p + 8))}; }
inline F32x16 load_u8(const std::uint8_t* p) {
  const __m128i x = load_128(p);
  return {_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(x)), _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_srli_si128(x, 8)))};
}
inline F32x16 load_i8(const std::uint8_t* p) {
  const __m128i x = load_128(p);
  return {_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(x)), _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_srli_si128(x, 8)))};
}
inline F32x16 add(F32x16 a, F32x16 b) { return {_mm256_add_ps(a.low, b.low), _mm256_add_ps(a.high, b.high)}; }
inline F32x16 sub(F32x16 a, F32x16 b) { return {_mm256_sub_ps(a.low, b.low), _mm256_sub_ps(a.high, b.high)}; }
inline F32x16 mul(F32x16 a, F32x16 b) { return {_mm256_mul_ps(a.low, b.low), _mm256_mul_ps(a.high, b.high)}; }
inline F32x16 div(F32x16 a, F32x16 b) { return {_mm256_div_ps(a.low, b.low), _mm256_div_ps(a.high, b.high)}; }
inline F32x16 fma(F32x16 a, F32x16 b, F32x16 c) {
  return {_mm256_fmadd_ps(a.low, b.low, c.low), _mm256_fmadd_ps(a.high, b.high, c.high)};
}
inline F32x16 min(F32x16 a, F32x16 b) { return {_mm256_min_ps(a.low, b.low), _mm256_min_ps(a.high, b.high)}; }
inline F32x16 max(F32x16 a, F32x16 b) { return {_mm256_max_ps(a.low, b.low), _mm256_max_ps(a.high, b.high)}; }
inline F32x16 abs(F32x16 a) {
  const __m256 mask = _mm256_castsi256_ps(_mm256_set1_epi32(0x7FFFFFFF));
  return {_mm256_and_ps(a.low, mask), _mm256_and_ps(a.high, mask)};
}
inline F32x16 round(F32x16 a) {
  constexpr int kMode = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
  return {_mm256_round_ps(a.low, kMode), _mm256_round_ps(a.high, kMode)};
}
inline __m256 select_less(__m256 a, __m256 b, __m256 x, __m256 y) {
  return _mm256_blendv_ps(y, x, _mm256_cmp_ps(a, b, _CMP_LT_OQ));
}
inline F32x16 select_less(F32x16 a, F32x16 b, F32x16 x, F32x16 y) {
  return {select_less(a.low, b.low, x.low, y.low), select_less(a.high, b.high, x.high, y.high)};
}
inline __m256 exp2_integral(__m256 n) {
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127)), 23));
}
inline F32x16 exp2_integral(F32x16 n) { return {exp2_integral(n.low), exp2_integral(n.high)}; }
inline __m256 fraction(__m256 x) {
  x = _mm256_max_ps(_mm256_set1_ps(-1e30F), x);
  return _mm256_sub_ps(x, _mm256_floor_ps(x));
}
inline F32x16 fraction(F32x16 x) { return {fraction(x.low), fraction(x.high)}; }
inline F32x16 scale_exp2(F32x16 a, F32x16 x) {
  const auto power = [](__m256 y) { return exp2_integral(_mm256_max_ps(_mm256_set1_ps(-126.0F), _mm256_floor_ps(y))); };
  return {_mm256_mul_ps(a.low, power(x.low)), _mm256_mul_ps(a.high, power(x.high))};
}
inline __m256 exponent(__m256 x) {
  return _mm256_cvtepi32_ps(_mm256_sub_epi32(_mm256_srli_epi32(_mm256_castps_si256(x), 23), _mm256_set1_epi32(127)));
}
inline F32x16 exponent(F32x16 x) { return {exponent(x.low), exponent(x.high)}; }
inline __m256 mantissa(__m256 x) {
  const __m256 fraction_bits = _mm256_and_ps(x, _mm256_castsi256_ps(_mm256_set1_epi32(0x007FFFFF)));
  return _mm256_or_ps(fraction_bits, _mm256_set1_ps(1.0F));
}
inline F32x16 mantissa(F32x16 x) { return {mantissa(x.low), mantissa(x.high)}; }
inline __m256i in_range(__m256i lane, std::size_t begin, std::size_t end) {
  const __m256i from = _mm256_cmpgt_epi32(lane, _mm256_set1_epi32(static_cast<int>(begin) - 1));
  return _mm256_andnot_si256(_mm256_cmpgt_epi32(lane, _mm256_set1_epi32(static_cast<int>(end) - 1)), from);
}
inline F32x16 keep_range(F32x16 a, std::size_t begin, std::size_t end, F32x16 other) {
  begin = begin > 16 ? 16 : begin;
  end = end > 16 ? 16 : end;
  const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  const __m256 low = _mm256_castsi256_ps(in_range(lane, begin, end));
  const __m256 high = _mm256_castsi256_ps(in_range(_mm256_add_epi32(lane, _mm256_set1_epi32(8)), begin, end));
  return {_mm256_blendv_ps(other.low, a.low, low), _mm256_blendv_ps(other.high, a.high, high)};
}
template <int distance>
inline F32x16 exchange(F32x16 a) {
  if constexpr (distance == 1) return {_mm256_permute_ps(a.low, 0xB1), _mm256_permute_ps(a.high, 0xB1)};
  if constexpr (distance == 2) return {_mm256_permute_ps(a.low, 0x4E), _mm256_permute_ps(a.high, 0x4E)};
  if constexpr (distance == 4)
    return {_mm256_permute2f128_ps(a.low, a.low, 1), _mm256_permute2f128_ps(a.high, a.high, 1)};
  if constexpr (distance == 8) return {a.high, a.low};
}
template <int distance>
inline __m256 join_lower(__m256 a, __m256 b) {
  if constexpr (distance == 1) return _mm256_blend_ps(a, _mm256_moveldup_ps(b), 0xAA);
  if constexpr (distance == 2) return _mm256_shuffle_ps(a, b, 0x44);
  if constexpr (distance == 4) return _mm256_permute2f128_ps(a, b, 0x20);
}
template <int distance>
inline F32x16 join_lower(F32x16 a, F32x16 b) {
  if constexpr (distance == 8) return {a.low, b.low};
  if constexpr (distance != 8) return {join_lower<distance>(a.low, b.low), join_lower<distance>(a.high, b.high)};
}
template <int distance>
inline __m256 join_upper(__m256 a, __m256 b) {
  if constexpr (distance == 1) return _mm256_blend_ps(_mm256_movehdup_ps(a), b, 0xAA);
  if constexpr (distance == 2) return _mm256_shuffle_ps(a, b, 0xEE);
  if constexpr (distance == 4) return _mm256_permute2f128_ps(a, b, 0x31);
}
template <int distance>
inline F32x16 join_upper(F32x16 a, F32x16 b) {
  if constexpr (distance == 8) return {a.high, b.high};
  if constexpr (distance != 8) return {join_upper<distance>(a.low, b.low), join_upper<distance>(a.high, b.high)};
}
template <int distance>
inline F32x16 negate_upper(F32x16 a) {
  const auto signs = [](int base) {
    const auto s = [base](int i) { return ((base + i) & distance) != 0 ? static_cast<int>(0x80000000U) : 0; };
    return _mm256_castsi256_ps(_mm256_setr_epi32(s(0), s(1), s(2), s(3), s(4), s(5), s(6), s(7)));
  };
  return {_mm256_xor_ps(a.low, signs(0)), _mm256_xor_ps(a.high, signs(8))};
}

inline I32x16 zero_i32() { return {_mm256_setzero_si256(), _mm256_setzero_si256()}; }
inline I32x16 set1_i32(std::int32_t x) { return {_mm256_set1_epi32(x), _mm256_set1_epi32(x)}; }
inline I32x16 add(I32x16 a, I32x16 b) { return {_mm256_add_epi32(a.low, b.low), _mm256_add_epi32(a.high, b.high)}; }
inline I32x16 sub_i32(I32x16 a, I32x16 b) { return {_mm256_sub_epi32(a.low, b.low), _mm256_sub_epi32(a.high, b.high)}; }
inline F32x16 to_f32(I32x16 a) { return {_mm256_cvtepi32_ps(a.low), _mm256_cvtepi32_ps(a.high)}; }
inline I32x16 to_i32(F32x16 a) { return {_mm256_cvtps_epi32(a.low), _mm256_cvtps_epi32(a.high)}; }
template <int bits>
inline I32x16 shift_right(I32x16 a) {
  return {_mm256_srai_epi32(a.low, bits), _mm256_srai_epi32(a.high, bits)};
}
template <int bits>
inline I32x16 shift_left(I32x16 a) {
  return {_mm256_slli_epi32(a.low, bits), _mm256_slli_epi32(a.high, bits)};
}
inline std::int32_t reduce_add_i32(I32x16 a) {
  const __m256i both = _mm256_add_epi32(a.low, a.high);
  __m128i x = _mm_add_epi32(_mm256_castsi256_si128(both), _mm256_extracti128_si256(both, 1));
  x = _mm_add_epi32(x, _mm_shuffle_epi32(x, 0x4E));
  x = _mm_add_epi32(x, _mm_shuffle_epi32(x, 0xB1));
  return _mm_cvtsi128_si32(x);
}
inline I32x16 load_i32(const std::int32_t* p) {
  return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)),
          _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + 8))};
}
inline void store_i32(std::int32_t* p, I32x16 a) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), a.low);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p + 8), a.high);
}
inline void store_i8(std::int8_t* p, I32x16 a) {
  const __m256i pick = _mm256_setr_epi8(0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 0, 4, 8, 12, -1,
                                        -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1);
  const auto eight = [&](__m256i x) {
    const __m256i bytes = _mm256_shuffle_epi8(x, pick);
    return _mm_unpacklo_epi32(_mm256_castsi256_si128(bytes), _mm256_extracti128_si256(bytes, 1));
  };
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm_unpacklo_epi64(eight(a.low), eight(a.high)));
}
inline void store_i8(std::int8_t* p, I32x16 a, I32x16 b, I32x16 c, I32x16 d) {
  const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  const auto half = [&](std::int8_t* to, const I32x16& x, const I32x16& y) {
    const __m256i bytes = _mm256_packs_epi16(_mm256_packs_epi32(x.low, x.high), _mm256_packs_epi32(y.low, y.high));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm256_permutevar8x32_epi32(bytes, order));
  };
  half(p, a, b);
  half(p + 32, c, d);
}

inline U8x64 load_bytes(const std::uint8_t* p) {
  return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)),
          _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + 32))};
}
inline void store_bytes(std::uint8_t* p, U8x64 a) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), a.low);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p + 32), a.high);
}
inline U8x64 load_levels(const std::uint8_t* p) {
  const __m256i both = _mm256_broadcastsi128_si256(load_128(p));
  return {both, both};
}
inline U8x64 lookup(U8x64 levels, U8x64 index) {
  return {_mm256_shuffle_epi8(levels.low, index.low), _mm256_shuffle_epi8(levels.high, index.high)};
}
inline U8x64 zero_bytes() { return {_mm256_setzero_si256(), _mm256_setzero_si256()}; }
/// The levels, with the upper 16 of 32 in a register of their own.
template <int bits>
struct LevelTable {
  __m256i low, high;
};
template <int bits>
inline LevelTable<bits> load_table(const std::uint8_t* p) {
  const __m256i low =
      _mm256_broadcastsi128_si256(bits == 3 ? _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)) : load_128(p));
  return {low, bits == 5 ? _mm256_broadcastsi128_si256(load_128(p + 16)) : low};
}
template <int bits>
inline __m256i lookup(const LevelTable<bits>& levels, __m256i index) {
  const __m256i in_half = _mm256_and_si256(index, _mm256_set1_epi8(bits == 3 ? 7 : 15));
  const __m256i low = _mm256_shuffle_epi8(levels.low, in_half);
  if constexpr (bits != 5) return low;
  // The fifth bit of an index, moved to the top of its byte, selects the half.
  return _mm256_blendv_epi8(low, _mm256_shuffle_epi8(levels.high, in_half), _mm256_slli_epi16(index, 3));
}
template <int bits>
inline U8x64 lookup(const LevelTable<bits>& levels, U8x64 index) {
  return {lookup(levels, index.low), lookup(levels, index.high)};
}
inline U8x64 load_nibbles(const std::uint8_t* p) {
  const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  const __m256i mask = _mm256_set1_epi8(0x0F);
  return {_mm256_and_si256(bytes, mask), _mm256_and_si256(_mm256_srli_epi16(bytes, 4), mask)};
}
template <int shift>
inline U8x64 shift_right_bytes(U8x64 a) {
  return {_mm256_srli_epi16(a.low, shift), _mm256_srli_epi16(a.high, shift)};
}
template <int shift>
inline U8x64 shift_left_bytes(U8x64 a) {
  return {_mm256_slli_epi16(a.low, shift), _mm256_slli_epi16(a.high, shift)};
}
template <int mask>
inline U8x64 select_bits(U8x64 a, U8x64 b) {
  const __m256i ones = _mm256_set1_epi8(static_cast<char>(mask));
  const auto half = [&](__m256i x, __m256i y) {
    return _mm256_or_si256(_mm256_and_si256(ones, x), _mm256_andnot_si256(ones, y));
  };
  return {half(a.low, b.low), half(a.high, b.high)};
}
template <int from, int mask, int to>
inline __m256i field_at(__m256i a) {
  constexpr int kShift = from - to;
  __m256i shifted = a;
  if constexpr (kShift > 0) shifted = _mm256_srli_epi16(a, kShift);
  if constexpr (kShift < 0) shifted = _mm256_slli_epi16(a, -kShift);
  return _mm256_and_si256(shifted, _mm256_set1_epi8(static_cast<char>(mask << to)));
}
template <int from, int mask, int to>
inline U8x64 field_at(U8x64 a) {
  return {field_at<from, mask, to>(a.low), field_at<from, mask, to>(a.high)};
}
template <int shift, int mask>
inline U8x64 field(U8x64 a) {
  return field_at<shift, mask, 0>(a);
}
inline U8x64 join(U8x64 a, U8x64 b) { return {_mm256_or_si256(a.low, b.low), _mm256_or_si256(a.high, b.high)}; }

inline constexpr std::int32_t kCodeOffset = 0;
template <bool small_codes>
inline __m256i dot4(__m256i acc, __m256i w, __m256i x) {
  if constexpr (small_codes) {
    return _mm256_add_epi32(acc, _mm256_madd_epi16(_mm256_maddubs_epi16(w, x), _mm256_set1_epi16(1)));
  }
  // 255 * 127 * 2 does not fit into 16 bits, so widen even and odd bytes separately first.
  const __m256i even =
      _mm256_madd_epi16(_mm256_and_si256(w, _mm256_set1_epi16(0xFF)), _mm256_srai_epi16(_mm256_slli_epi16(x, 8), 8));
  const __m256i odd = _mm256_madd_epi16(_mm256_srli_epi16(w, 8), _mm256_srai_epi16(x, 8));
  return _mm256_add_epi32(acc, _mm256_add_epi32(even, odd));
}
inline __m256i broadcast4(const std::int8_t* x) {
  std::int32_t four = 0;
  std::memcpy(&four, x, 4);
  return _mm256_set1_epi32(four);
}
template <bool small_codes>
inline I32x16 dot4(I32x16 acc, U8x64 w, const std::int8_t* x) {
  const __m256i all = broadcast4(x);
  return {dot4<small_codes>(acc.low, w.low, all), dot4<small_codes>(acc.high, w.high, all)};
}

inline void add_dot4(I32x16& acc, U8x64 w, const std::int8_t* x) { acc = dot4<false>(acc, w, x); }

/// The even bytes as signed 16-bit numbers, and the odd ones.
inline __m256i even_bytes(__m256i x) { return _mm256_srai_epi16(_mm256_slli_epi16(x, 8), 8); }
inline __m256i odd_bytes(__m256i x) { return _mm256_srai_epi16(x, 8); }
/// 128 * 32512 * 512 fits into 32 bits.
inline constexpr std::size_t kWholeColumnsMax = 512;
inline void add_dot4_whole(I32x16& acc, U8x64 w, const std::int8_t* high, const std::int8_t* low) {
  const __m256i upper = broadcast4(high);
  const __m256i lower = broadcast4(low);
  const __m256i even = _mm256_add_epi16(_mm256_slli_epi16(upper, 8), even_bytes(lower));
  const __m256i odd = _mm256_add_epi16(_mm256_andnot_si256(_mm256_set1_epi16(0xFF), upper), odd_bytes(lower));
  const auto add_to = [&](__m256i sum, __m256i levels) {
    const __m256i code = _mm256_xor_si256(levels, _mm256_set1_epi8(-128));
    const __m256i evens = _mm256_madd_epi16(even_bytes(code), even);
    return _mm256_add_epi32(sum, _mm256_add_epi32(evens, _mm256_madd_epi16(odd_bytes(code), odd)));
  };
  acc = {add_to(acc.low, w.low), add_to(acc.high, w.high)};
}

}  // namespace pith::kernels::avx2
