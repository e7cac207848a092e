#pragma once

// The operations between matrix products: norms, additions, activations and Hadamard transforms. Include a simd.h
// first. They take any length; the last vector may be partial.
#include "kernels/generic/exp.h"
#include "kernels/generic/reduce.h"
#include "kernels/types.h"

namespace pith::kernels::PITH_ISA {

/// Calls full(i) for every whole vector and cut(i, n) for the remaining n < 16 elements, if any.
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

inline void rms_norm(const float* x, const float* weight, std::size_t length, float eps, float* out) {
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

inline void add_rows(float* x, const float* y, std::size_t length) {
  zip(x, y, length, [](F32x16 a, F32x16 b) { return add(a, b); });
}

inline void scale_row(float* x, float factor, std::size_t length) {
  const F32x16 f = set1(factor);
  zip(x, x, length, [&](F32x16 a, F32x16) { return mul(a, f); });
}

inline void silu_mul(float* gate, const float* up, std::size_t length) {
  zip(gate, up, length, [](F32x16 g, F32x16 u) {
    const F32x16 one = set1(1.0F);
    return mul(div(g, add(one, exp(mul(g, set1(-1.0F))))), u);
  });
}

/// The tanh approximation of GELU, written as x * sigmoid(2u) with u = sqrt(2/pi) * (x + 0.044715 x^3).
inline void gelu_mul(float* gate, const float* up, std::size_t length) {
  zip(gate, up, length, [](F32x16 g, F32x16 u) {
    const F32x16 cubic = fma(mul(mul(g, g), g), set1(0.044715F), g);
    const F32x16 minus_2u = mul(cubic, set1(-2.0F * 0.79788456F));
    return mul(div(g, add(set1(1.0F), exp(minus_2u))), u);
  });
}

/// SwiGLU as gpt-oss clamps it. A NaN is the second operand of min and max, which return that one.
inline void clamped_swiglu(float* gate, const float* up, std::size_t length) {
  zip(gate, up, length, [](F32x16 g, F32x16 u) {
    const F32x16 one = set1(1.0F);
    const F32x16 limit = set1(7.0F);
    g = min(limit, g);
    u = max(set1(-7.0F), min(limit, u));
    return mul(div(g, add(one, exp(mul(g, set1(-1.702F))))), add(u, one));
  });
}

inline void sigmoid_mul(float* x, const float* gate, std::size_t length) {
  zip(x, gate, length, [](F32x16 a, F32x16 g) { return div(a, add(set1(1.0F), exp(mul(g, set1(-1.0F))))); });
}

/// x = max(x, 0)^2. A NaN is the second operand of max, which returns that one.
inline void squared_relu(float* x, std::size_t length) {
  zip(x, x, length, [](F32x16 a, F32x16) {
    const F32x16 above = max(zero(), a);
    return mul(above, above);
  });
}

/// x = cap * tanh(x / cap)
inline void softcap(float* x, std::size_t length, float cap) {
  const F32x16 inverse = set1(1.0F / cap);
  const F32x16 caps = set1(cap);
  zip(x, x, length, [&](F32x16 a, F32x16) { return mul(tanh(mul(a, inverse)), caps); });
}

/// The transform across the 16 lanes of one vector, not normalized.
inline F32x16 hadamard_lanes(F32x16 v) {
  v = add(exchange<1>(v), negate_upper<1>(v));
  v = add(exchange<2>(v), negate_upper<2>(v));
  v = add(exchange<4>(v), negate_upper<4>(v));
  return add(exchange<8>(v), negate_upper<8>(v));
}

/// The transform of `vectors` vectors, which stay in registers if there are enough of them.
template <std::size_t vectors>
inline void hadamard_vectors(float* x) {
  F32x16 v[vectors];
#pragma GCC unroll 8
  for (std::size_t i = 0; i < vectors; ++i) v[i] = hadamard_lanes(load(x + i * kLanes));
#pragma GCC unroll 3
  for (std::size_t half = 1; half < vectors; half *= 2) {
#pragma GCC unroll 8
    for (std::size_t i = 0; i < vectors; ++i) {
      if ((i & half) != 0) continue;
      const F32x16 a = v[i];
      const F32x16 b = v[i + half];
      v[i] = add(a, b);
      v[i + half] = sub(a, b);
    }
  }
  const F32x16 factor = set1(1.0F / __builtin_sqrtf(static_cast<float>(vectors * kLanes)));
#pragma GCC unroll 8
  for (std::size_t i = 0; i < vectors; ++i) store(x + i * kLanes, mul(v[i], factor));
}

inline void hadamard(float* x, std::size_t size) {
  // The head sizes of most models.
  if (size == 4 * kLanes) return hadamard_vectors<4>(x);
  if (size == 8 * kLanes) return hadamard_vectors<8>(x);
  for (std::size_t i = 0; i < size; i += kLanes) store(x + i, hadamard_lanes(load(x + i)));
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

}  // namespace pith::kernels::PITH_ISA
