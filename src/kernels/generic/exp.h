#pragma once

// Needs a simd.h included before.
namespace pith::kernels::PITH_ISA {

/// e^x within 2 ulp for x in [-87, 88], clamped outside; NaN stays NaN.
inline F32x16 exp(F32x16 x) {
  // Where one operand is NaN, min and max give the second one.
  x = max(set1(-87.0F), min(set1(88.0F), x));
  const F32x16 n = round(mul(x, set1(1.44269504F)));
  F32x16 r = fma(n, set1(-0.693359375F), x);
  r = fma(n, set1(2.12194440e-4F), r);
  F32x16 p = set1(1.9875691500e-4F);
  p = fma(p, r, set1(1.3981999507e-3F));
  p = fma(p, r, set1(8.3334519073e-3F));
  p = fma(p, r, set1(4.1665795894e-2F));
  p = fma(p, r, set1(1.6666665459e-1F));
  p = fma(p, r, set1(5.0000001201e-1F));
  p = fma(p, mul(r, r), add(r, set1(1.0F)));
  return mul(p, exp2_integral(n));
}

}  // namespace pith::kernels::PITH_ISA
