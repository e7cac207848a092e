#pragma once

// Sums and maxima over lanes. Include a simd.h first. They follow a fixed tree, so every instruction set adds in the
// same order.
#include "kernels/types.h"

namespace pith::kernels::PITH_ISA {

inline float reduce_add(F32x16 a) {
  a = add(a, exchange<8>(a));
  a = add(a, exchange<4>(a));
  a = add(a, exchange<2>(a));
  return first(add(a, exchange<1>(a)));
}

inline float reduce_max(F32x16 a) {
  a = max(a, exchange<8>(a));
  a = max(a, exchange<4>(a));
  a = max(a, exchange<2>(a));
  return first(max(a, exchange<1>(a)));
}

struct Sum {
  static F32x16 join(F32x16 a, F32x16 b) { return add(a, b); }
  static float reduce(F32x16 a) { return reduce_add(a); }
};
struct Largest {
  static F32x16 join(F32x16 a, F32x16 b) { return max(a, b); }
  static float reduce(F32x16 a) { return reduce_max(a); }
};

/// Reduces a and b by half and joins the results: a's in the lanes whose index has bit `distance` clear, b's in the
/// others.
template <typename Op, int distance>
inline F32x16 halve(F32x16 a, F32x16 b) {
  return Op::join(join_lower<distance>(a, b), join_upper<distance>(a, b));
}

/// Returns Op::reduce(x[i]) in lane i, bit for bit, with a third of the work.
template <typename Op>
inline F32x16 reduce_all(F32x16 (&x)[kLanes]) {
#pragma GCC unroll 8
  for (std::size_t i = 0; i < 8; ++i) x[i] = halve<Op, 8>(x[i], x[i + 8]);
#pragma GCC unroll 4
  for (std::size_t i = 0; i < 4; ++i) x[i] = halve<Op, 4>(x[i], x[i + 4]);
  const F32x16 even = halve<Op, 2>(x[0], x[2]);
  const F32x16 odd = halve<Op, 2>(x[1], x[3]);
  return halve<Op, 1>(even, odd);
}

/// Returns Op::reduce(value(r)) in lane r for r < rows <= 16, and 0 in the other lanes. full: rows is the constant
/// `whole`.
template <typename Op, bool full, std::size_t whole = kLanes, typename Value>
inline F32x16 reduce_rows(std::size_t rows, const Value& value) {
  if constexpr (full) {
    F32x16 x[kLanes];
#pragma GCC unroll 16
    for (std::size_t r = 0; r < kLanes; ++r) x[r] = r < whole ? value(r) : zero();
    return reduce_all<Op>(x);
  } else {
    float results[kLanes] = {};
    for (std::size_t r = 0; r < rows; ++r) results[r] = Op::reduce(value(r));
    return load(results);
  }
}

}  // namespace pith::kernels::PITH_ISA
