#pragma once

#include <string>

#include "eval/speed.h"

namespace pith::eval {

/// What was measured of each cache, as one SVG file: tokens/s of prompts, tokens/s of decoding, and what the cache
/// holds, over the depth; bars where there is one depth only. Rates are medians.
std::string speed_charts(const SpeedResult& result);

}  // namespace pith::eval
