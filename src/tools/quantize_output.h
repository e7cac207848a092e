#pragma once

#include <pith/pith.h>

#include <string>

#include "tools/output.h"

namespace pith::tools {

/// Returns a table of what became of the tensors, type by type; a line for each kind of matrix that could not get the
/// type that was asked for; and a line of sizes.
std::string quantize_text(const QuantizeReport& report);

/// Returns the sizes and every tensor.
Json quantize_json(const QuantizeReport& report);

}  // namespace pith::tools
