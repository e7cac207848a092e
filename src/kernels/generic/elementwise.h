#pragma once

// Needs a simd.h included before. What happens between the matrix products: any length, the last vector cut.
#include "kernels/generic/exp.h"
#include "kernels/generic/reduce.h"
#include "kernels/types.h"

namespace pith::kernels::PITH_ISA {

/// Calls full(i) for every whole vector and cut(i, n) for the n < 16 elements left.
template <typename Full, typename Cut>
inline void for_vectors(std::size_t length, const Full& full, const Cut& cut) {
  std::size_t i = 0;
  for (; i + kLanes <= length; i += kLanes) full(i);
  if (i < length) cut(i, length - i);
}

/// x[i] = f(x[i], y[i]).
template <typename F>
inline void zip(float* x, const float* y, std::size_t length, const F& f) {
  for_vectors(
      length, [&](std::size_t i) { store(x + i, f(load(x + i), load(y + i))); },
      [&](std::size_t i, std::size_t n) { store_first(x + i, f(load_first(x + i, n), load_first(y + i, n)), n); });
}

void rms_norm(const float* x, const float* weight, std::size_t length, float eps, float* out) {
  F32x16 squares = zero();
  const auto square = [&](F32x16 v) { squares = fma(v, v, squares); };
  for_vectors(
      length, [&](std::size_t i) { square(load(x + i)); },
      [&](std::size_t i, std::size_t n) { square(load_first(x + i, n)); });
  const float mean = reduce_add(squares) / static_cast<float>(length);
  const F32x16 factor = div(set1(1.0F), set1(__builtin_sqrtf(mean + eps)));
  for_vectors(
      length, [&](std::size_t i) { store(out + i, mul(mul(load(x + i), factor), load(weight + i))); },
      [&](std::size_t i, std::size_t n) {
        store_first(out + i, mul(mul(load_first(x + i, n), factor), load_first(weight + i, n)), n);
      });
}

void add_rows(float* x, const float* y, std::size_t length) {
  zip(x, y, length, [](F32x16 a, F32x16 b) { return add(a, b); });
}

void scale_row(float* x, float factor, std::size_t length) {
  const F32x16 f = set1(factor);
  zip(x, x, length, [&](F32x16 a, F32x16) { return mul(a, f); });
}

void silu_mul(float* gate, const float* up, std::size_t length) {
  zip(gate, up, length, [](F32x16 g, F32x16 u) {
    const F32x16 one = set1(1.0F);
    return mul(div(g, add(one, exp(mul(g, set1(-1.0F))))), u);
  });
}

/// The tanh form: x * sigmoid(2u) with u = sqrt(2/pi) * (x + 0.044715 x^3).
void gelu_mul(float* gate, const float* up, std::size_t length) {
  zip(gate, up, length, [](F32x16 g, F32x16 u) {
    const F32x16 cubic = fma(mul(mul(g, g), g), set1(0.044715F), g);
    const F32x16 minus_2u = mul(cubic, set1(-2.0F * 0.79788456F));
    return mul(div(g, add(set1(1.0F), exp(minus_2u))), u);
  });
}

void hadamard(float* x, std::size_t size) {
  for (std::size_t i = 0; i < size; i += kLanes) {
    F32x16 v = load(x + i);
    v = add(exchange<1>(v), negate_upper<1>(v));
    v = add(exchange<2>(v), negate_upper<2>(v));
    v = add(exchange<4>(v), negate_upper<4>(v));
    v = add(exchange<8>(v), negate_upper<8>(v));
    store(x + i, v);
  }
  for (std::size_t half = kLanes; half < size; half *= 2) {
    for (std::size_t block = 0; block < size; block += 2 * half) {
      for (std::size_t i = block; i < block + half; i += kLanes) {
        const F32x16 a = load(x + i);
        const F32x16 b = load(x + i + half);
        store(x + i, add(a, b));
        store(x + i + half, sub(a, b));
      }
    }
  }
  scale_row(x, 1.0F / __builtin_sqrtf(static_cast<float>(size)), size);
}

/// Calls visit(i, from, to) for every vector of [0, length): the range's part of it.
template <typename Visit>
inline void for_range(std::size_t length, TokenRange range, const Visit& visit) {
  for (std::size_t i = 0; i < length; i += kLanes) {
    const std::size_t from = range.begin > i ? range.begin - i : 0;
    const std::size_t to = range.end > i ? range.end - i : 0;
    visit(i, from < kLanes ? from : kLanes, to < kLanes ? to : kLanes);
  }
}

/// Up to 16 rows. `whole`: every range is all of [0, length).
template <bool whole>
inline void softmax_block(const SoftmaxStep& step, std::size_t first_row, std::size_t rows) {
  const auto range_of = [&](std::size_t r) { return whole ? TokenRange{0, step.length} : step.ranges[first_row + r]; };
  const auto keep = [](F32x16 x, std::size_t from, std::size_t to, F32x16 other) {
    return whole ? x : keep_range(x, from, to, other);
  };
  float* scores = step.scores + first_row * step.stride;
  SoftmaxState* states = step.states + first_row;
  const float nothing = -__builtin_inff();
  float largest[kLanes];
  float grown[kLanes] = {};
  for (std::size_t r = 0; r < rows; ++r) {
    F32x16 top = set1(nothing);
    for_range(step.length, range_of(r), [&](std::size_t i, std::size_t from, std::size_t to) {
      top = max(top, keep(load(scores + r * step.stride + i), from, to, set1(nothing)));
    });
    const float seen = reduce_max(top);
    const float before = states[r].max;
    largest[r] = seen > before ? seen : before;
    // A row that saw nothing before has no output that could shrink.
    if (before != nothing) grown[r] = before - largest[r];
  }
  float shrink[kLanes];
  store(shrink, exp(load(grown)));
  for (std::size_t r = 0; r < rows; ++r) {
    float* row = scores + r * step.stride;
    if (largest[r] == nothing) {
      for (std::size_t i = 0; i < step.length; i += kLanes) store(row + i, zero());
      continue;
    }
    F32x16 sum = zero();
    for_range(step.length, range_of(r), [&](std::size_t i, std::size_t from, std::size_t to) {
      const F32x16 p = keep(exp(sub(load(row + i), set1(largest[r]))), from, to, zero());
      store(row + i, p);
      sum = add(sum, p);
    });
    states[r] = {largest[r], states[r].sum * shrink[r] + reduce_add(sum)};
    if (shrink[r] != 1.0F) scale_row(step.out + (first_row + r) * step.size, shrink[r], step.size);
  }
}

void softmax_rows(const SoftmaxStep& step) {
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
