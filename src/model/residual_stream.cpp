#include "model/residual_stream.h"

namespace pith::model {

void ResidualStream::add(const Addition& addition, std::size_t m) const {
  const std::size_t length = pass_.spec.hidden_size;
  float* added = &(*addition.rows)[m * buffers_.hidden_stride];
  if (addition.bias != nullptr) add_bias(pass_.k, added, *addition.bias);
  if (addition.post_norm.present()) addition.post_norm.apply(pass_.k, added, length, added);
  if (addition.scale != 0.0F) pass_.k.scale(added, addition.scale, length);
  pass_.k.add(row(m), added, length);
  if (addition.sum_norm.present()) addition.sum_norm.apply(pass_.k, row(m), length, row(m));
}

void ResidualStream::add_position(std::size_t m) const {
  const std::span<float> position(&buffers_.normed[m * buffers_.hidden_stride], pass_.spec.hidden_size);
  pass_.weights.positions.row(pass_.position_of(m), position);
  pass_.k.add(row(m), position.data(), position.size());
}

void ResidualStream::begin(std::size_t m) const {
  const std::span<float> embedding(row(m), pass_.spec.hidden_size);
  pass_.weights.embedding.row(static_cast<std::size_t>(pass_.tokens[m]), embedding);
  if (pass_.spec.embedding_scale != 1.0F) pass_.k.scale(row(m), pass_.spec.embedding_scale, embedding.size());
  add_bias(pass_.k, row(m), pass_.weights.token_type);
  if (pass_.spec.learned_positions != 0) add_position(m);
  const Norm norm(pass_.spec.embedding_norm, pass_.weights.embedding_norm);
  if (norm.present()) norm.apply(pass_.k, row(m), embedding.size(), row(m));
}

void ResidualStream::add(const Pending& pending, std::size_t m) const {
  if (pending.embeddings) begin(m);
  if (pending.attention) add(*pending.attention, m);
  if (pending.feed_forward) add(*pending.feed_forward, m);
  if (pending.scale) pass_.k.scale(row(m), *pending.scale, pass_.spec.hidden_size);
}

void ResidualStream::add(const Pending& pending) const {
  for_rows(pass_.pool, pass_.rows(), [&](std::size_t m) { add(pending, m); });
}

kernels::Activations ResidualStream::normed(const Norm& norm, const Pending& pending,
                                            weights::FormatSet readers) const {
  return activations(pass_, buffers_.normed, pass_.rows(), pass_.spec.hidden_size, readers, [&](std::size_t m) {
    add(pending, m);
    norm.apply(pass_.k, row(m), pass_.spec.hidden_size, &buffers_.normed[m * buffers_.hidden_stride]);
  });
}

kernels::Activations ResidualStream::normed(const Norm& norm, std::span<const std::size_t> rows,
                                            weights::FormatSet readers) const {
  return activations(pass_, buffers_.normed, rows.size(), pass_.spec.hidden_size, readers, [&](std::size_t m) {
    norm.apply(pass_.k, row(rows[m]), pass_.spec.hidden_size, &buffers_.normed[m * buffers_.hidden_stride]);
  });
}

kernels::Activations ResidualStream::normed_again(weights::FormatSet readers) const {
  return activations(pass_, buffers_.normed, pass_.rows(), pass_.spec.hidden_size, readers, [](std::size_t) {});
}

}  // namespace pith::model
