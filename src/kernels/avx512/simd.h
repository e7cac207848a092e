#pragma once

// The logical vector (16 lanes) as one AVX-512 register, with VNNI. The units of this folder include it first; they are
// compiled with wide instructions, so this file includes only intrinsics and plain C headers. The comments on its
// functions hold for every simd.h.
#include <immintrin.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

#define PITH_ISA avx512

namespace pith::kernels::avx512 {

using F32x16 = __m512;
using I32x16 = __m512i;
using U8x64 = __m512i;

/// The most activation rows that a matmul kernel keeps in registers.
inline constexpr std::size_t kRowsMax = 12;
/// The same for dots over codes, which keep two accumulators per row.
inline constexpr std::size_t kDotRowsMax = 8;
/// The same for float dots.
inline constexpr std::size_t kFloatRowsMax = 12;

inline F32x16 zero() { return _mm512_setzero_ps(); }
inline F32x16 set1(float x) { return _mm512_set1_ps(x); }
inline F32x16 load(const float* p) { return _mm512_loadu_ps(p); }
inline F32x16 load_first(const float* p, std::size_t n) {
  return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1U << n) - 1U), p);
}
inline void store(float* p, F32x16 x) { _mm512_storeu_ps(p, x); }
inline void store_first(float* p, F32x16 x, std::size_t n) {
  _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1U << n) - 1U), x);
}
inline float first(F32x16 a) { return _mm512_cvtss_f32(a); }
inline F32x16 load_f16(const std::uint16_t* p) {
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}
/// Rounds to nearest even.
inline void store_f16(std::uint16_t* p, F32x16 x) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}
inline F32x16 load_bf16(const std::uint16_t* p) {
  return _mm512_castsi512_ps(
      _mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))), 16));
}
inline F32x16 load_u8(const std::uint8_t* p) {
  return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
}
inline F32x16 load_i8(const std::uint8_t* p) {
  return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
}
inline F32x16 add(F32x16 a, F32x16 b) { return _mm512_add_ps(a, b); }
inline F32x16 sub(F32x16 a, F32x16 b) { return _mm512_sub_ps(a, b); }
inline F32x16 mul(F32x16 a, F32x16 b) { return _mm512_mul_ps(a, b); }
inline F32x16 div(F32x16 a, F32x16 b) { return _mm512_div_ps(a, b); }
/// a * b + c, rounded once.
inline F32x16 fma(F32x16 a, F32x16 b, F32x16 c) { return _mm512_fmadd_ps(a, b, c); }
inline F32x16 min(F32x16 a, F32x16 b) { return _mm512_min_ps(a, b); }
inline F32x16 max(F32x16 a, F32x16 b) { return _mm512_max_ps(a, b); }
inline F32x16 abs(F32x16 a) { return _mm512_abs_ps(a); }
inline F32x16 round(F32x16 a) { return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
/// Returns x where a < b, y elsewhere.
inline F32x16 select_less(F32x16 a, F32x16 b, F32x16 x, F32x16 y) {
  return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, b, _CMP_LT_OQ), y, x);
}
/// Returns 2^n for integral n in [-126, 127].
inline F32x16 exp2_integral(F32x16 n) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_add_epi32(_mm512_cvtps_epi32(n), _mm512_set1_epi32(127)), 23));
}
/// Returns x - floor(x), rounded, so it lies in [0, 1]; 0 for minus infinity.
inline F32x16 fraction(F32x16 x) { return _mm512_reduce_ps(x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC); }
/// Returns a * 2^floor(x) for a in [1, 2]; NaN if either is NaN. A result below 2^-126 may be any number up to 2^-125.
inline F32x16 scale_exp2(F32x16 a, F32x16 x) { return _mm512_scalef_ps(a, x); }
/// x = mantissa * 2^exponent, the mantissa in [1, 2), for normal positive x.
inline F32x16 exponent(F32x16 x) { return _mm512_getexp_ps(x); }
inline F32x16 mantissa(F32x16 x) { return _mm512_getmant_ps(x, _MM_MANT_NORM_1_2, _MM_MANT_SIGN_zero); }
/// Returns lanes [begin, end) of a, and `other` elsewhere.
inline F32x16 keep_range(F32x16 a, std::size_t begin, std::size_t end, F32x16 other) {
  const auto below = [](std::size_t n) { return n >= 16 ? 0xFFFFU : (1U << n) - 1U; };
  return _mm512_mask_blend_ps(static_cast<__mmask16>(below(end) & ~below(begin)), other, a);
}
/// Exchanges lanes i and i ^ distance; distance is 1, 2, 4 or 8.
template <int distance>
inline F32x16 exchange(F32x16 a) {
  if constexpr (distance == 1) return _mm512_permute_ps(a, 0xB1);
  if constexpr (distance == 2) return _mm512_permute_ps(a, 0x4E);
  if constexpr (distance == 4) return _mm512_shuffle_f32x4(a, a, 0xB1);
  if constexpr (distance == 8) return _mm512_shuffle_f32x4(a, a, 0x4E);
}
/// Returns the lanes of a and b whose index has bit `distance` clear; b's move to the places where it is set.
template <int distance>
inline F32x16 join_lower(F32x16 a, F32x16 b) {
  if constexpr (distance == 1) return _mm512_mask_moveldup_ps(a, 0xAAAA, b);
  if constexpr (distance == 2) return _mm512_shuffle_ps(a, b, 0x44);
  if constexpr (distance == 4) return _mm512_mask_shuffle_f32x4(a, 0xF0F0, b, b, 0xA0);
  if constexpr (distance == 8) return _mm512_shuffle_f32x4(a, b, 0x44);
}
/// Returns the lanes of a and b whose index has the bit set; a's move to the places where it is clear.
template <int distance>
inline F32x16 join_upper(F32x16 a, F32x16 b) {
  if constexpr (distance == 1) return _mm512_mask_movehdup_ps(b, 0x5555, a);
  if constexpr (distance == 2) return _mm512_shuffle_ps(a, b, 0xEE);
  if constexpr (distance == 4) return _mm512_mask_shuffle_f32x4(b, 0x0F0F, a, a, 0xF5);
  if constexpr (distance == 8) return _mm512_shuffle_f32x4(a, b, 0xEE);
}
/// Negates the lanes whose index has bit `distance` set.
template <int distance>
inline F32x16 negate_upper(F32x16 a) {
  constexpr unsigned kMask = distance == 1 ? 0xAAAAU : distance == 2 ? 0xCCCCU : distance == 4 ? 0xF0F0U : 0xFF00U;
  return _mm512_mask_sub_ps(a, static_cast<__mmask16>(kMask), _mm512_setzero_ps(), a);
}

inline I32x16 zero_i32() { return _mm512_setzero_si512(); }
inline I32x16 set1_i32(std::int32_t x) { return _mm512_set1_epi32(x); }
inline I32x16 add(I32x16 a, I32x16 b) { return _mm512_add_epi32(a, b); }
inline F32x16 to_f32(I32x16 a) { return _mm512_cvtepi32_ps(a); }
/// Rounds to nearest even.
inline I32x16 to_i32(F32x16 a) { return _mm512_cvtps_epi32(a); }
inline I32x16 sub_i32(I32x16 a, I32x16 b) { return _mm512_sub_epi32(a, b); }
template <int bits>
inline I32x16 shift_right(I32x16 a) {
  return _mm512_srai_epi32(a, bits);
}
template <int bits>
inline I32x16 shift_left(I32x16 a) {
  return _mm512_slli_epi32(a, bits);
}
inline std::int32_t reduce_add_i32(I32x16 a) { return _mm512_reduce_add_epi32(a); }
inline I32x16 load_i32(const std::int32_t* p) { return _mm512_loadu_si512(p); }
inline void store_i32(std::int32_t* p, I32x16 a) { _mm512_storeu_si512(p, a); }
/// Stores the lowest byte of each lane.
inline void store_i8(std::int8_t* p, I32x16 a) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi32_epi8(a));
}
/// Stores four vectors one after the other; values must be within [-128, 127].
inline void store_i8(std::int8_t* p, I32x16 a, I32x16 b, I32x16 c, I32x16 d) {
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  const __m512i bytes = _mm512_packs_epi16(_mm512_packs_epi32(a, b), _mm512_packs_epi32(c, d));
  _mm512_storeu_si512(p, _mm512_permutexvar_epi32(order, bytes));
}

inline U8x64 load_bytes(const std::uint8_t* p) { return _mm512_loadu_si512(p); }
inline void store_bytes(std::uint8_t* p, U8x64 a) { _mm512_storeu_si512(p, a); }
inline U8x64 load_levels(const std::uint8_t* p) {
  return _mm512_broadcast_i32x4(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}
inline U8x64 lookup(U8x64 levels, U8x64 index) { return _mm512_shuffle_epi8(levels, index); }
inline U8x64 zero_bytes() { return _mm512_setzero_si512(); }
/// A table of 2^bits levels, 3 to 5 bits. Only the low `bits` bits of an index are used.
template <int bits>
struct LevelTable {
  __m512i table;
};
template <int bits>
inline LevelTable<bits> load_table(const std::uint8_t* p) {
  if constexpr (bits == 5) return {_mm512_broadcast_i64x4(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)))};
  if constexpr (bits == 4) return {_mm512_broadcast_i32x4(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)))};
  if constexpr (bits == 3) return {_mm512_broadcastq_epi64(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)))};
}
template <int bits>
inline U8x64 lookup(LevelTable<bits> levels, U8x64 index) {
  return _mm512_permutexvar_epi8(index, levels.table);
}
/// Loads the low nibbles of 32 bytes, then their high nibbles, one per byte.
inline U8x64 load_nibbles(const std::uint8_t* p) {
  const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  const __m512i both = _mm512_inserti64x4(_mm512_castsi256_si512(bytes), _mm256_srli_epi16(bytes, 4), 1);
  return _mm512_and_si512(both, _mm512_set1_epi8(0x0F));
}
/// Shifts each byte right; the bits above 7 - shift are undefined.
template <int shift>
inline U8x64 shift_right_bytes(U8x64 a) {
  return _mm512_srli_epi16(a, shift);
}
/// Shifts each byte left; the bits below `shift` are undefined.
template <int shift>
inline U8x64 shift_left_bytes(U8x64 a) {
  return _mm512_slli_epi16(a, shift);
}
/// Returns the bits of a where the mask has ones, and of b elsewhere.
template <int mask>
inline U8x64 select_bits(U8x64 a, U8x64 b) {
  constexpr int kFirstChooses = 0xCA;
  return _mm512_ternarylogic_epi32(_mm512_set1_epi8(static_cast<char>(mask)), a, b, kFirstChooses);
}
/// Returns (byte >> shift) & mask for each byte; the mask has no bit above 7 - shift.
template <int shift, int mask>
inline U8x64 field(U8x64 a) {
  const __m512i shifted = shift == 0 ? a : _mm512_srli_epi16(a, shift);
  return _mm512_and_si512(shifted, _mm512_set1_epi8(static_cast<char>(mask)));
}
/// Returns ((byte >> from) & mask) << to for each byte.
template <int from, int mask, int to>
inline U8x64 field_at(U8x64 a) {
  constexpr int kShift = from - to;
  __m512i shifted = a;
  if constexpr (kShift > 0) shifted = _mm512_srli_epi16(a, kShift);
  if constexpr (kShift < 0) shifted = _mm512_slli_epi16(a, -kShift);
  return _mm512_and_si512(shifted, _mm512_set1_epi8(static_cast<char>(mask << to)));
}
inline U8x64 join(U8x64 a, U8x64 b) { return _mm512_or_si512(a, b); }

/// What dot4 subtracts from codes that are not small, on sets whose instructions only multiply signed bytes. Callers
/// make up for it by adding kCodeOffset * sum(x).
inline constexpr std::int32_t kCodeOffset = 0;
/// Returns acc[lane] + the sum of 4 products (w[lane][i] - offset) * x[i], with x broadcast. small_codes: all codes are
/// below 128; they have no offset, and some sets multiply them faster.
template <bool small_codes>
inline I32x16 dot4(I32x16 acc, U8x64 w, const std::int8_t* x) {
  std::int32_t four = 0;
  std::memcpy(&four, x, 4);
  return _mm512_dpbusd_epi32(acc, w, _mm512_set1_epi32(four));
}

/// Does acc = dot4<false>(acc, w, x) in loops over levels. With the intrinsic, GCC 12 neither folds the broadcast into
/// the product nor keeps a sum in its register; it copies each sum twice per step, which takes longer than the
/// products.
inline void add_dot4(I32x16& acc, U8x64 w, const std::int8_t* x) {
  struct Four {
    std::int8_t x[4];
  };
  asm("vpdpbusd %2%{1to16%}, %1, %0" : "+v"(acc) : "v"(w), "m"(*reinterpret_cast<const Four*>(x)));
}

/// Up to how many columns the set sums add_dot4_whole(acc, w, high, low), which multiplies levels less 128 with the
/// 16-bit numbers 256 * high + low. Only sets without an instruction for dot4 gain by it and have it.
inline constexpr std::size_t kWholeColumnsMax = 0;

}  // namespace pith::kernels::avx512
