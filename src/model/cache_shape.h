#pragma once

#include "kv/core/cache_options.h"
#include "model/model_impl.h"

namespace pith::model {

/// Returns the shape that a layer has in a cache.
kv::LayerShape kv_shape(const AttentionSpec& spec);

/// Returns how positions rotate a layer's queries and keys.
kv::Rotary rotary(const ModelImpl& model, const AttentionSpec& attention);

}  // namespace pith::model
