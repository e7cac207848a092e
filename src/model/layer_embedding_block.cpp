#include "model/layer_embedding_block.h"

#include <array>
#include <cmath>
#include <numbers>
#include <span>

#include "model/divided_product.h"

namespace pith::model {

LayerEmbeddingBlock::LayerEmbeddingBlock(const Pass& pass, std::size_t layer)
    : pass_(pass), layer_(layer), w_(pass.weights.layers[layer].layer_embedding) {}

Addition LayerEmbeddingBlock::run(const kernels::Activations& x) const {
  Buffers& b = pass_.workspace.buffers;
  const LayerEmbeddingSpec& spec = pass_.spec.layer_embedding;
  const std::size_t stride = padded(spec.size);
  const std::array<weights::Product, 1> gate = {{{&w_.gate, b.gate.data(), stride}}};
  multiply(pass_, x, gate);
  const auto apply_gate = [&](std::size_t m) {
    pass_.k.gelu_mul(&b.gate[m * stride], &b.layer_embeddings[m * b.layer_embeddings_stride + layer_ * spec.size],
                     spec.size);
  };
  const std::array<weights::Product, 1> output = {{{&w_.output, b.projected.data(), b.hidden_stride}}};
  multiply(pass_, activations(pass_, b.gate, pass_.rows(), spec.size, weights::formats_of(w_.output), apply_gate),
           output);
  return {&b.projected, nullptr, Norm(spec.norm, w_.post_norm)};
}

weights::FormatSet layer_embedding_readers(const Pass& pass) {
  return weights::formats_of(pass.weights.layer_embedding_projection);
}

void make_layer_embeddings(const Pass& pass, const kernels::Activations& x) {
  Buffers& b = pass.workspace.buffers;
  const LayerEmbeddingSpec& spec = pass.spec.layer_embedding;
  const std::size_t all = spec.size * pass.spec.layers.size();
  const std::array<weights::Product, 1> project = {
      {{&pass.weights.layer_embedding_projection, b.layer_embeddings.data(), b.layer_embeddings_stride}}};
  multiply(pass, x, project);
  const float from_hidden = 1.0F / std::sqrt(static_cast<float>(pass.spec.hidden_size));
  const float of_row = std::sqrt(static_cast<float>(spec.size));
  const Norm norm(spec.norm, pass.weights.layer_embedding_norm);
  for_rows(pass.pool, pass.rows(), [&](std::size_t m) {
    float* made = &b.layer_embeddings[m * b.layer_embeddings_stride];
    const std::span<float> row(&b.layer_embedding_rows[m * b.layer_embeddings_stride], all);
    pass.weights.layer_embeddings.row(static_cast<std::size_t>(pass.tokens[m]), row);
    pass.k.scale(row.data(), of_row, all);
    pass.k.scale(made, from_hidden, all);
    for (std::size_t at = 0; at < all; at += spec.size) norm.apply(pass.k, made + at, spec.size, made + at);
    pass.k.add(made, row.data(), all);
    pass.k.scale(made, 1.0F / std::numbers::sqrt2_v<float>, all);
  });
}

}  // namespace pith::model
