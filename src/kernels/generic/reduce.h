#pragma once

// Needs a simd.h included before. Sums run over a fixed tree, so every instruction set adds in the same order.
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

}  // namespace pith::kernels::PITH_ISA
