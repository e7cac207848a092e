#pragma once

#include <string>

#include "eval/needle.h"

namespace pith::eval {

/// Returns heat maps, depth by length, as one SVG file: for each cache the passkey's log-probability and, beside it,
/// the difference from the baseline. All maps of a kind share a colour scale.
std::string needle_map(const NeedleResult& result);

}  // namespace pith::eval
