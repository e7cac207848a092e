#include "io/digest.h"
#include "model/fingerprint.h"
#include "model/fingerprint_fields.h"

namespace pith::model {
namespace {

using io::FieldWriter;
using io::put_count;

void put_spec(FieldWriter& fields, const ModelSpec& spec) {
  const LayerSpec& layer = spec.layers.front();
  const AttentionSpec& attention = layer.attention;
  fields.put_text(spec.architecture);
  for (const std::size_t size :
       {spec.layers.size(), spec.hidden_size, attention.heads, attention.kv_heads, attention.key_size,
        attention.value_size, layer.feed_forward.size, spec.vocab, spec.context_trained}) {
    put_count(fields, size);
  }
  for (const float x : {spec.output_norm.epsilon, attention.scale, spec.embedding_scale, spec.logit_softcap})
    fields.put(x);
  fields.put(static_cast<std::uint32_t>(layer.feed_forward.activation));
  fields.put_flag(attention.query_key_norm.present());
  fields.put_flag(layer.attention_post_norm.present());
}

void put_rope(FieldWriter& fields, const RopeParams& rope) {
  put_count(fields, rope.dims);
  fields.put(static_cast<std::uint32_t>(rope.pairs));
  fields.put(static_cast<std::uint32_t>(rope.scaling));
  for (const double x :
       {rope.base, rope.factor, rope.original_context, rope.beta_fast, rope.beta_slow, rope.attention_factor}) {
    fields.put(x);
  }
}

void put_layer(FieldWriter& fields, const LayerWeights& layer) {
  const AttentionWeights& a = layer.attention;
  const FeedForwardWeights& f = layer.feed_forward;
  for (const weights::PackedMatrix* matrix : {&a.query, &a.key, &a.value, &a.output, &f.gate, &f.up, &f.down})
    put_weights(fields, *matrix);
  for (const Vector* vector :
       {&layer.attention_norm.weight, &a.query_bias, &a.key_bias, &a.value_bias, &a.query_norm.weight,
        &a.key_norm.weight, &a.output_bias, &layer.attention_post_norm.weight, &layer.feed_forward_norm.weight,
        &f.gate_bias, &f.up_bias, &f.down_bias, &layer.feed_forward_post_norm.weight}) {
    put_weights(fields, *vector);
  }
}

}  // namespace

Fingerprint first_fingerprint(const ModelSpec& spec, const Tokenizer& tokenizer, const ModelWeights& weights) {
  FieldWriter model;
  put_spec(model, spec);
  put_vocabulary(model, tokenizer);
  put_weights(model, weights.embedding);
  put_weights(model, weights.output);
  put_weights(model, weights.output_norm.weight);
  for (const LayerWeights& layer : weights.layers) put_layer(model, layer);
  FieldWriter positions;
  put_rope(positions, spec.ropes.front());
  put_rope(positions, spec.ropes.back());
  put_weights(positions, weights.rope_frequency_factors);
  put_count(positions, spec.window_max());
  for (const LayerSpec& layer : spec.layers) put_count(positions, layer.attention.window);
  return {io::sha256(model.bytes()), io::sha256(positions.bytes())};
}

}  // namespace pith::model
