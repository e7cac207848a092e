#pragma once

#include <pith/model_options.h>

#include "gguf/file.h"
#include "model/spec.h"

namespace pith::model {

/// Reads what all architectures share and lets the file's architecture adapt it; `rope` is what the caller says of RoPE
/// in place of the file. Throws Error: kUnsupported for an
/// architecture that is not in arch/table.cpp, kFormat for keys that are missing or out of range, naming file, key,
/// value and limit.
ModelSpec read_spec(const gguf::File& file, const RopeOptions& rope = {});

}  // namespace pith::model
