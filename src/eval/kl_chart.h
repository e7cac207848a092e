#pragma once

#include <string>

#include "eval/kl.h"

namespace pith::eval {

/// Mean KL divergence over bits per element at 8k tokens, as one SVG file: a point for each cache but the noise floor.
/// A line joins caches whose names differ in the number at their end only, such as int8, int4, int3 and int2. A cache
/// that equals the baseline (a divergence of 0) has no place on the logarithmic axis and is left out.
std::string kl_chart(const KlResult& result);

}  // namespace pith::eval
