#pragma once

#include <cstddef>
#include <vector>

#include "gguf/file.h"
#include "model/arch/arch.h"
#include "model/keys.h"
#include "model/spec.h"

namespace pith::model {

/// What one layer consists of besides its norms.
struct LayerParts {
  bool attention = true;
  bool recurrent = false;
  bool feed_forward = true;
};

/// Returns how many of block_count layers draft further tokens. They stand at the end.
std::size_t read_drafting_layers(const gguf::File& file, const Keys& keys, std::size_t blocks);

/// Returns the parts of the first `layers` of `blocks` layers: which ones are recurrent, as the architecture's files
/// say it.
std::vector<LayerParts> read_parts(const gguf::File& file, const Keys& keys, const Traits& traits, std::size_t layers,
                                   std::size_t blocks);

/// Returns what recurrent layer number `layer` has in place of attention.
RecurrentSpec read_recurrent(const gguf::File& file, const Keys& keys, const Traits& traits, std::size_t hidden_size,
                             std::size_t layer);

}  // namespace pith::model
