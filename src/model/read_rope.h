#pragma once

#include <pith/model_options.h>

#include <cstddef>

#include "gguf/file.h"
#include "model/keys.h"
#include "model/spec.h"

namespace pith::model {

/// Reads RoPE and its scaling; the order of pairs is the architecture's. Throws Error: kFormat for values out of range,
/// kUnsupported for a scaling that is not known.
RopeParams read_rope(const gguf::File& file, const Keys& keys, std::size_t key_size, std::size_t context_trained);

/// Applies what the caller says. Throws Error(kInvalidArgument).
void stretch(const gguf::File& file, const RopeOptions& options, RopeParams& rope);

}  // namespace pith::model
