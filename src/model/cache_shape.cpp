#include "model/cache_shape.h"

#include "model/rope.h"

namespace pith::model {

kv::LayerShape kv_shape(const AttentionSpec& spec) {
  return {spec.heads, spec.kv_heads, spec.key_size, spec.value_size, spec.window};
}

kv::Rotary rotary(const ModelImpl& model) {
  const ModelSpec& spec = model.spec();
  return Rope(spec.ropes.front(), frequency_factors(spec.ropes.front(), model.weights()), 0).rotary();
}

}  // namespace pith::model
