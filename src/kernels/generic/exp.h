#pragma once

// Exponentials, logarithms and the hyperbolic tangent by polynomials. Include a simd.h first.
namespace pith::kernels::PITH_ISA {

/// Returns e^r within 2 ulp for |r| <= ln(2) / 2, and exactly 1 for 0.
inline F32x16 exp_near_zero(F32x16 r) {
  F32x16 p = set1(1.9875691500e-4F);
  p = fma(p, r, set1(1.3981999507e-3F));
  p = fma(p, r, set1(8.3334519073e-3F));
  p = fma(p, r, set1(4.1665795894e-2F));
  p = fma(p, r, set1(1.6666665459e-1F));
  p = fma(p, r, set1(5.0000001201e-1F));
  return fma(p, mul(r, r), add(r, set1(1.0F)));
}

/// Returns e^x within 2 ulp for x in [-87, 88]; x is clamped to that range. NaN stays NaN.
inline F32x16 exp(F32x16 x) {
  // If either operand is NaN, min and max return the second one.
  x = max(set1(-87.0F), min(set1(88.0F), x));
  const F32x16 n = round(mul(x, set1(1.44269504F)));
  F32x16 r = fma(n, set1(-0.693359375F), x);
  r = fma(n, set1(2.12194440e-4F), r);
  return mul(exp_near_zero(r), exp2_integral(n));
}

/// Returns 2^x within 3 ulp for x in [-126, 127]; x is clamped to that range. NaN stays NaN.
inline F32x16 exp2(F32x16 x) {
  x = max(set1(-126.0F), min(set1(127.0F), x));
  const F32x16 n = round(x);
  return mul(exp_near_zero(mul(sub(x, n), set1(0.693147181F))), exp2_integral(n));
}

/// Returns tanh(x) with a relative error of at most 3e-7. NaN stays NaN. Near 0 it is the continued fraction x / (1 +
/// x^2 / (3 + x^2 / (5 + x^2 / 7))), which loses no digits there; elsewhere (e^2x - 1) / (e^2x + 1). One division
/// serves both.
inline F32x16 tanh(F32x16 x) {
  const F32x16 size = abs(x);
  const F32x16 limit = set1(0.5F);
  const F32x16 square = mul(x, x);
  const F32x16 near_numerator = mul(x, fma(square, set1(10.0F), set1(105.0F)));
  const F32x16 near_denominator = fma(square, add(square, set1(45.0F)), set1(105.0F));
  const F32x16 power = exp(add(x, x));
  const F32x16 numerator = select_less(size, limit, near_numerator, sub(power, set1(1.0F)));
  const F32x16 denominator = select_less(size, limit, near_denominator, add(power, set1(1.0F)));
  return div(numerator, denominator);
}

/// Returns 2^x with a relative error of at most 3e-6, for weights that are rounded to fewer bits anyway. NaN stays NaN;
/// a result below 2^-126 may be any number up to 2^-125.
inline F32x16 exp2_short(F32x16 x) {
  // Minimax polynomial over [0, 1].
  const F32x16 r = fraction(x);
  F32x16 p = fma(set1(0.0135341681F), r, set1(0.0520114603F));
  p = fma(p, r, set1(0.241442757F));
  p = fma(p, r, set1(0.693003834F));
  p = fma(p, r, set1(1.00000259F));
  return scale_exp2(p, x);
}

/// Returns log2(x) with an absolute error of at most 3e-6 for normal positive x.
inline F32x16 log2(F32x16 x) {
  // Minimax polynomial over [0, 1].
  const F32x16 r = sub(mantissa(x), set1(1.0F));
  F32x16 p = fma(set1(-0.025691079F), r, set1(0.121002207F));
  p = fma(p, r, set1(-0.276540704F));
  p = fma(p, r, set1(0.456521641F));
  p = fma(p, r, set1(-0.717791072F));
  p = fma(p, r, set1(1.44249532F));
  p = fma(p, r, set1(1.84568252e-6F));
  return add(exponent(x), p);
}

}  // namespace pith::kernels::PITH_ISA
