#pragma once

// Softmax of a page's scores whose weights, times the values' scales, are rounded to integers in the same pass. Include
// a simd.h first. The logarithms of the scales are added to the scores: the largest exponent of a row then determines
// the step of its codes, and each score costs a single exponential.
#include "kernels/generic/exp.h"
#include "kernels/generic/int16_rows.h"
#include "kernels/generic/reduce.h"
#include "kernels/generic/softmax.h"
#include "kernels/types.h"

namespace pith::kernels::PITH_ISA {

inline constexpr std::size_t kSoftmaxPageVectors = kSoftmaxPageTokens / kLanes;
/// log2(kSplitMax).
inline constexpr float kSplitLog = 14.9886847F;
/// Less than the exponent of every visible token.
inline constexpr float kLeastLog = -1e30F;

/// The scales of a page, shared by all rows: logarithms and inverses of the squared codes. Their common unit is applied
/// last.
struct PageScales {
  F32x16 log[kSoftmaxPageVectors], inverse[kSoftmaxPageVectors];

  explicit PageScales(const std::uint8_t* codes) {
    for (std::size_t v = 0; v < kSoftmaxPageVectors; ++v) {
      // A token with scale code 0 still has a weight in the sums, so treat its code as 0.5.
      const F32x16 code = max(load_u8(codes + v * kLanes), set1(0.5F));
      const F32x16 square = mul(code, code);
      log[v] = log2(square);
      inverse[v] = div(set1(1.0F), square);
    }
  }
};

/// Rounds one row's weights, at most kSplitMax, to the high plane alone. Running sums down each lane are rounded
/// instead of the weights, so rounding errors do not accumulate. Each lane starts at a different offset, so that the
/// remaining errors cancel on average.
struct RoundedSums {
  static constexpr std::int32_t kBegin[kLanes] = {8,  136, 72, 200, 40, 168, 104, 232,
                                                  24, 152, 88, 216, 56, 184, 120, 248};
  I32x16 sum = load_i32(kBegin);
  I32x16 rounded = zero_i32();

  I32x16 next(I32x16 code) {
    sum = add(sum, code);
    const I32x16 before = rounded;
    rounded = shift_right<8>(sum);
    return sub_i32(rounded, before);
  }
};

/// Sums of a row's weights and codes, per lane.
struct WeightSums {
  F32x16 weights;
  I32x16 high, low;
};

/// Turns a row of exponents, minus `reference`, into codes.
template <bool with_low>
inline WeightSums quantize_weights(const float* exponents, float reference, const PageScales& page, std::int8_t* high,
                                   std::int8_t* low) {
  F32x16 sum = zero();
  I32x16 upper[kSoftmaxPageVectors];
  I32x16 lower[kSoftmaxPageVectors];
  I32x16 high_sum = zero_i32();
  I32x16 low_sum = zero_i32();
  RoundedSums sums;
#pragma GCC unroll 4
  for (std::size_t v = 0; v < kSoftmaxPageVectors; ++v) {
    const F32x16 weight = exp2_short(sub(load(exponents + v * kLanes), set1(reference)));
    sum = fma(weight, page.inverse[v], sum);
    // NaN may become any code here; the sum of weights preserves it.
    const I32x16 code = to_i32(min(weight, set1(kSplitMax)));
    if constexpr (with_low) {
      upper[v] = shift_right<8>(add(code, set1_i32(128)));
      lower[v] = sub_i32(code, shift_left<8>(upper[v]));
      high_sum = add(high_sum, upper[v]);
      low_sum = add(low_sum, lower[v]);
    } else {
      upper[v] = sums.next(code);
    }
  }
  store_i8(high, upper[0], upper[1], upper[2], upper[3]);
  if constexpr (!with_low) return {sum, sums.rounded, zero_i32()};
  store_i8(low, lower[0], lower[1], lower[2], lower[3]);
  return {sum, high_sum, low_sum};
}

/// Processes up to 16 rows; full: exactly 16. whole: every row sees the whole page.
template <bool full, bool whole, bool with_low>
void softmax_quantize_block(const SoftmaxStep& step, std::size_t first_row, std::size_t rows, const PageScales& page,
                            float unit, const SplitPlanes& to, float* shrink) {
  float* scores = step.scores + first_row * step.stride;
  const F32x16 largest = reduce_rows<Largest, full>(rows, [&](std::size_t r) {
    const TokenRange range = whole ? TokenRange{0, kSoftmaxPageTokens} : step.ranges[first_row + r];
    float* row = scores + r * step.stride;
    F32x16 top = set1(kMinusInfinity);
#pragma GCC unroll 4
    for (std::size_t v = 0; v < kSoftmaxPageVectors; ++v) {
      const std::size_t i = v * kLanes;
      const F32x16 exponent = keep_seen<whole>(add(load(row + i), page.log[v]), i, range, set1(kMinusInfinity));
      store(row + i, exponent);
      top = max(top, exponent);
    }
    return top;
  });

  // If either operand is NaN, max returns the second one.
  const F32x16 least = set1(kLeastLog);
  const F32x16 page_reference = sub(max(least, largest), set1(kSplitLog));
  const F32x16 before = load_first(step.references + first_row, rows);
  const F32x16 reference = max(before, largest);
  const F32x16 some_reference = max(least, reference);
  const F32x16 shrunk = exp2(sub(before, some_reference));
  const F32x16 factor = select_less(largest, least, zero(), exp2(sub(page_reference, some_reference)));
  float references[kLanes];
  store(references, page_reference);

  F32x16 weights[kLanes];
  F32x16 high_sums[kLanes];
  F32x16 low_sums[kLanes];
  std::int8_t* high = to.high + split_row_at(first_row, kSoftmaxPageTokens);
  std::int8_t* low = with_low ? to.low + split_row_at(first_row, kSoftmaxPageTokens) : nullptr;
  for (std::size_t r = 0; r < rows; ++r) {
    const WeightSums sums =
        quantize_weights<with_low>(scores + r * step.stride, references[r], page, high + r * kSplitColumns,
                                   with_low ? low + r * kSplitColumns : nullptr);
    weights[r] = sums.weights;
    high_sums[r] = to_f32(sums.high);
    low_sums[r] = to_f32(sums.low);
  }
  const auto zero_terms = [&](const F32x16(&sums)[kLanes]) {
    const F32x16 sum = reduce_rows<Sum, full>(rows, [&](std::size_t r) { return sums[r]; });
    return to_i32(mul(sum, set1(-128.0F)));
  };
  const F32x16 page_sum = reduce_rows<Sum, full>(rows, [&](std::size_t r) { return weights[r]; });
  const F32x16 sum = fma(load_first(step.sums + first_row, rows), shrunk, mul(page_sum, factor));
  store_first(step.references + first_row, reference, rows);
  store_first(step.sums + first_row, sum, rows);
  store(shrink + first_row, shrunk);
  store(to.scales + first_row, mul(factor, set1(unit)));
  store_i32(to.high_zero_terms + first_row, zero_terms(high_sums));
  if constexpr (with_low) store_i32(to.low_zero_terms + first_row, zero_terms(low_sums));
}

template <bool whole, bool with_low>
inline void softmax_quantize_blocks(const SoftmaxStep& step, const LaneScales& scales, const SplitPlanes& to,
                                    float* shrink) {
  const PageScales page(scales.codes);
  std::size_t r = 0;
  for (; r + kLanes <= step.rows; r += kLanes)
    softmax_quantize_block<true, whole, with_low>(step, r, kLanes, page, scales.unit, to, shrink);
  if (r < step.rows)
    softmax_quantize_block<false, whole, with_low>(step, r, step.rows - r, page, scales.unit, to, shrink);
}

inline void softmax_quantize_rows(const SoftmaxStep& step, const LaneScales& scales, const SplitPlanes& to,
                                  float* shrink) {
  if (to.low == nullptr) {
    step.ranges == nullptr ? softmax_quantize_blocks<true, false>(step, scales, to, shrink)
                           : softmax_quantize_blocks<false, false>(step, scales, to, shrink);
  } else {
    step.ranges == nullptr ? softmax_quantize_blocks<true, true>(step, scales, to, shrink)
                           : softmax_quantize_blocks<false, true>(step, scales, to, shrink);
  }
}

}  // namespace pith::kernels::PITH_ISA
