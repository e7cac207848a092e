#pragma once

#include <cstddef>

#include "model/reference_spec.h"
#include "model/reference_weights.h"

// The oracle's functions of numbers, as the papers have them.
namespace pith::test {

/// Normalizes [begin, begin + weight.size()) in place by its root mean square (1910.07467, eq. 4).
void rms_norm(Numbers& x, std::size_t begin, const Numbers& weight, double eps);

double sigmoid(double x);

/// Rotates the pairs of a head in place (2104.09864, eq. 13).
void rotate(Numbers& x, std::size_t begin, const ReferenceRope& rope, std::size_t position);

/// Returns SiLU, x sigmoid(x), or GELU in its approximation by tanh (both 1606.08415, section 2).
double activate(ReferenceActivation activation, double x);

/// Returns what down reads of a gate and what it gates (2002.05202, eq. 6).
Numbers gated(ReferenceActivation activation, const Numbers& gate, const Numbers& up);

void softmax(Numbers& x);

/// Returns cap * tanh(x / cap) (2408.00118, section 2), or x if there is no cap.
double softly_capped(double x, double cap);

}  // namespace pith::test
