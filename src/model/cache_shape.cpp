#include "model/cache_shape.h"

#include "model/rope.h"

namespace pith::model {

kv::LayerShape kv_shape(const AttentionSpec& spec) {
  return {spec.heads, spec.kv_heads, spec.key_size, spec.value_size, spec.window};
}

kv::Rotary rotary(const ModelImpl& model, const AttentionSpec& attention) {
  const RopeParams& rope = model.spec().ropes[attention.rope];
  return Rope(rope, frequency_factors(rope, model.weights()), 0).rotary();
}

}  // namespace pith::model
