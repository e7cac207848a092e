#include "model/fingerprint.h"

#include "snapshot/fields.h"

namespace pith::model {
namespace {

using snapshot::FieldWriter;

void add_hparams(FieldWriter& fields, const Hparams& h) {
  fields.put_text(h.architecture);
  for (const std::size_t size : {h.layers, h.embedding, h.heads, h.kv_heads, h.key_size, h.value_size, h.feed_forward,
                                 h.vocab, h.context_trained}) {
    fields.put(static_cast<std::uint64_t>(size));
  }
  for (const float x : {h.norm_eps, h.attention_scale, h.embedding_scale, h.logit_softcap}) fields.put(x);
  fields.put(static_cast<std::uint32_t>(h.activation));
  fields.put_flag(h.query_key_norm);
  fields.put_flag(h.post_norms);
}

void add_vocabulary(FieldWriter& fields, const Tokenizer& tokenizer) {
  fields.put(tokenizer.vocab_size());
  fields.put(tokenizer.bos());
  fields.put(tokenizer.eos());
  for (Token token = 0; token < tokenizer.vocab_size(); ++token) {
    fields.put_text(tokenizer.piece(token, true));
    fields.put_flag(tokenizer.is_special(token));
    fields.put_flag(tokenizer.is_end_of_generation(token));
  }
}

void add_bytes(FieldWriter& fields, std::span<const std::byte> bytes) {
  fields.put(static_cast<std::uint64_t>(bytes.size()));
  for (const std::uint64_t word : snapshot::xxh3_wide(bytes)) fields.put(word);
}

void add_vector(FieldWriter& fields, const Vector& vector) { add_bytes(fields, std::as_bytes(std::span(vector))); }

void add_matrix(FieldWriter& fields, const weights::PackedMatrix& matrix) {
  fields.put(static_cast<std::uint64_t>(matrix.rows()));
  fields.put(static_cast<std::uint64_t>(matrix.columns()));
  if (matrix.empty()) return;
  fields.put(static_cast<std::uint32_t>(matrix.format()));
  fields.put_flag(matrix.quantized());
  add_bytes(fields, std::as_bytes(std::span(matrix.panel(0), matrix.bytes())));
}

void add_weights(FieldWriter& fields, const ModelWeights& weights) {
  add_matrix(fields, weights.embedding);
  add_matrix(fields, weights.output);
  add_vector(fields, weights.output_norm);
  for (const LayerWeights& l : weights.layers) {
    for (const weights::PackedMatrix* matrix : l.matrices()) add_matrix(fields, *matrix);
    for (const Vector* vector : l.vectors()) add_vector(fields, *vector);
  }
}

void add_rope(FieldWriter& fields, const RopeParams& rope) {
  fields.put(static_cast<std::uint64_t>(rope.dims));
  fields.put(static_cast<std::uint32_t>(rope.pairs));
  fields.put(static_cast<std::uint32_t>(rope.scaling));
  for (const double x :
       {rope.base, rope.factor, rope.original_context, rope.beta_fast, rope.beta_slow, rope.attention_factor}) {
    fields.put(x);
  }
}

}  // namespace

Fingerprint fingerprint(const Hparams& hparams, const Tokenizer& tokenizer, const ModelWeights& weights) {
  FieldWriter model;
  add_hparams(model, hparams);
  add_vocabulary(model, tokenizer);
  add_weights(model, weights);
  FieldWriter positions;
  add_rope(positions, hparams.rope);
  add_rope(positions, hparams.local_rope);
  add_vector(positions, weights.rope_frequency_factors);
  positions.put(static_cast<std::uint64_t>(hparams.sliding_window));
  for (const std::size_t window : hparams.windows) positions.put(static_cast<std::uint64_t>(window));
  return {snapshot::sha256(model.bytes()), snapshot::sha256(positions.bytes())};
}

}  // namespace pith::model
