#pragma once

#include <cstddef>

#include "model/binder.h"

namespace pith::model {

/// Binds what attention with a latent reads: all of AttentionWeights but biases.
AttentionWeights bind_latent(Binder& binder, const AttentionSpec& spec, std::size_t hidden_size, std::size_t layer);

}  // namespace pith::model
