#pragma once

#include <string>

#include "eval/speed.h"

namespace pith::eval {

/// Draws the measurements of each cache as one SVG file: tokens/s of prompts, tokens/s of decoding, and the size of the
/// cache, over the depth; as bars if there is one depth only. Rates are medians.
std::string speed_charts(const SpeedResult& result);

}  // namespace pith::eval
