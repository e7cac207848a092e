#pragma once

#include <cstddef>

#include "model/residual_stream.h"

namespace pith::model {

/// A layer's own embeddings (LayerEmbeddingSpec): what it adds of them to the residual stream at its end.
class LayerEmbeddingBlock {
 public:
  LayerEmbeddingBlock(const Pass& pass, std::size_t layer);

  /// Returns which forms of x run() reads.
  weights::FormatSet readers() const { return weights::formats_of(w_.gate); }
  /// x [rows, hidden_size], the residual stream itself
  Addition run(const kernels::Activations& x) const;

 private:
  const Pass& pass_;
  std::size_t layer_;
  const LayerEmbeddingWeights& w_;
};

/// Returns which forms of the embeddings make_layer_embeddings() reads.
weights::FormatSet layer_embedding_readers(const Pass& pass);

/// Makes the embeddings of all layers for the tokens of a pass: Buffers::layer_embeddings. x [rows, hidden_size] are
/// the tokens' usual embeddings.
void make_layer_embeddings(const Pass& pass, const kernels::Activations& x);

}  // namespace pith::model
