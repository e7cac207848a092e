#pragma once

#include <cstddef>

#include "gguf/file.h"
#include "model/arch/arch.h"
#include "model/keys.h"
#include "model/spec.h"

namespace pith::model {

/// Throws Error(kUnsupported) if the file has experts.
void check_no_experts(const gguf::File& file, const Keys& keys);

/// Throws Error(kFormat) if the file states experts and no layer has any.
void check_experts(const gguf::File& file, const Keys& keys, const ModelSpec& spec);

/// Makes a layer's feed-forward block a mixture of experts if the file has a router for it. Throws Error: kFormat for
/// values out of range, kUnsupported for a way to choose experts that is not known.
void read_experts(const gguf::File& file, const Keys& keys, const Traits& traits, std::size_t layer,
                  FeedForwardSpec& spec);

}  // namespace pith::model
