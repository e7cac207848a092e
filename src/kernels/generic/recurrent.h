#pragma once

// What recurrent layers do token by token: causal convolutions and updates of matrix states. Include a simd.h first.
// They work on blocks of 16 channels or values, whose part of the state stays in the first-level cache for all tokens.
#include "kernels/generic/exp.h"
#include "kernels/types.h"

namespace pith::kernels::PITH_ISA {

inline F32x16 silu(F32x16 x) { return div(x, add(set1(1.0F), exp(mul(x, set1(-1.0F))))); }

inline void convolve(const Convolution& c, float* history, const ChannelRows& rows) {
  const F32x16 bias = c.bias != nullptr ? load(c.bias) : zero();
  const std::size_t before = c.taps - 1;
  for (std::size_t m = 0; m < rows.tokens; ++m) {
    float* x = rows.x + m * rows.stride;
    const F32x16 newest = load(x);
    F32x16 sum = bias;
    for (std::size_t tap = 0; tap < before; ++tap)
      sum = fma(load(history + tap * kLanes), load(c.weights + tap * kLanes), sum);
    sum = fma(newest, load(c.weights + before * kLanes), sum);
    store(x, c.activate ? silu(sum) : sum);
    for (std::size_t tap = 1; tap < before; ++tap) store(history + (tap - 1) * kLanes, load(history + tap * kLanes));
    store(history + (before - 1) * kLanes, newest);
  }
}

/// Sums of products over a head's keys, four at a time so that they do not wait for each other.
struct KeySums {
  F32x16 sums[4] = {zero(), zero(), zero(), zero()};

  /// Adds term(key) for all of `keys` keys, a multiple of four.
  template <typename Term>
  F32x16 over(std::size_t keys, const Term& term) {
    for (std::size_t key = 0; key < keys; key += 4) {
#pragma GCC unroll 4
      for (std::size_t i = 0; i < 4; ++i) sums[i] = term(key + i, sums[i]);
    }
    return add(add(sums[0], sums[1]), add(sums[2], sums[3]));
  }
};

/// S = decay * S + key * written^T, out = S^T * query, where `written` is what the values of a token become.
template <typename Written>
inline void run_state(const StateRows& rows, float* state, const Written& written) {
  for (std::size_t m = 0; m < rows.tokens; ++m) {
    const float* key = rows.key + m * rows.stride;
    const float* query = rows.query + m * rows.stride;
    const F32x16 decay = set1(rows.decay[m * rows.rate_stride]);
    const F32x16 value = load(rows.value + m * rows.stride);
    const F32x16 share = set1(rows.share[m * rows.rate_stride]);
    const F32x16 added = written(key, decay, value, share);
    const F32x16 read = KeySums().over(rows.keys, [&](std::size_t k, F32x16 sum) {
      const F32x16 held = fma(set1(key[k]), added, mul(load(state + k * kLanes), decay));
      store(state + k * kLanes, held);
      return fma(set1(query[k]), held, sum);
    });
    store(rows.out + m * rows.out_stride, fma(set1(rows.skip), value, read));
  }
}

inline void delta_rule(const StateRows& rows, float* state) {
  run_state(rows, state, [&](const float* key, F32x16 decay, F32x16 value, F32x16 share) {
    const F32x16 held = KeySums().over(
        rows.keys, [&](std::size_t k, F32x16 sum) { return fma(set1(key[k]), load(state + k * kLanes), sum); });
    return mul(sub(value, mul(held, decay)), share);
  });
}

inline void state_space(const StateRows& rows, float* state) {
  run_state(rows, state, [](const float*, F32x16, F32x16 value, F32x16 share) { return mul(value, share); });
}

}  // namespace pith::kernels::PITH_ISA
