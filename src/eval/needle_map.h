#pragma once

#include <string>

#include "eval/needle.h"

namespace pith::eval {

/// Heat maps, depth by length, as one SVG file: the passkey's log-probability with each cache and, beside it, its
/// difference to the baseline. All maps of a kind have the same colour scale.
std::string needle_map(const NeedleResult& result);

}  // namespace pith::eval
