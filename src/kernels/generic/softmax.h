#pragma once

// Running softmax over pages of scores in base 2 (SoftmaxStep). Include a simd.h first.
#include "kernels/generic/elementwise.h"
#include "kernels/generic/exp.h"
#include "kernels/generic/reduce.h"
#include "kernels/types.h"

namespace pith::kernels::PITH_ISA {

inline constexpr float kMinusInfinity = -__builtin_inff();

/// Keeps the lanes of the vector at token i that are in the range, and puts `other` elsewhere. whole: keeps all lanes.
template <bool whole>
inline F32x16 keep_seen(F32x16 x, std::size_t i, TokenRange range, F32x16 other) {
  if constexpr (whole) return x;
  const std::size_t from = range.begin > i ? range.begin - i : 0;
  const std::size_t to = range.end > i ? range.end - i : 0;
  return keep_range(x, from < kLanes ? from : kLanes, to < kLanes ? to : kLanes, other);
}

/// Processes up to 16 rows. whole: every row sees all of [0, length).
template <bool whole>
inline void softmax_block(const SoftmaxStep& step, std::size_t first_row, std::size_t rows) {
  const auto range_of = [&](std::size_t r) { return whole ? TokenRange{0, step.length} : step.ranges[first_row + r]; };
  float* scores = step.scores + first_row * step.stride;
  float* references = step.references + first_row;
  float* sums = step.sums + first_row;
  float largest[kLanes];
  float grown[kLanes] = {};
  for (std::size_t r = 0; r < rows; ++r) {
    F32x16 top = set1(kMinusInfinity);
    for (std::size_t i = 0; i < step.length; i += kLanes) {
      top = max(top, keep_seen<whole>(load(scores + r * step.stride + i), i, range_of(r), set1(kMinusInfinity)));
    }
    const float seen = reduce_max(top);
    const float before = references[r];
    largest[r] = seen > before ? seen : before;
    // A row that has seen no token yet has no output to scale down.
    if (before != kMinusInfinity) grown[r] = before - largest[r];
  }
  float shrink[kLanes];
  store(shrink, exp2(load(grown)));
  for (std::size_t r = 0; r < rows; ++r) {
    float* row = scores + r * step.stride;
    if (largest[r] == kMinusInfinity) {
      for (std::size_t i = 0; i < step.length; i += kLanes) store(row + i, zero());
      continue;
    }
    F32x16 sum = zero();
    for (std::size_t i = 0; i < step.length; i += kLanes) {
      const F32x16 p = keep_seen<whole>(exp2(sub(load(row + i), set1(largest[r]))), i, range_of(r), zero());
      store(row + i, p);
      sum = add(sum, p);
    }
    references[r] = largest[r];
    sums[r] = sums[r] * shrink[r] + reduce_add(sum);
    if (shrink[r] != 1.0F) scale_row(step.out + (first_row + r) * step.size, shrink[r], step.size);
  }
}

inline void softmax_rows(const SoftmaxStep& step) {
  for (std::size_t r = 0; r < step.rows; r += kLanes) {
    const std::size_t rows = step.rows - r < kLanes ? step.rows - r : kLanes;
    if (step.ranges == nullptr) {
      softmax_block<true>(step, r, rows);
    } else {
      softmax_block<false>(step, r, rows);
    }
  }
}

}  // namespace pith::kernels::PITH_ISA
