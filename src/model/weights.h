#pragma once

#include <array>
#include <vector>

#include "model/hparams.h"
#include "weights/packed_matrix.h"

namespace pith::model {

/// A vector of a model: norm weights or biases. Empty: absent.
using Vector = std::vector<float>;

struct LayerWeights {
  Vector attention_norm;  ///< [embedding]
  weights::PackedMatrix query, key,
      value;  ///< [heads * key_size | kv_heads * key_size | kv_heads * value_size, embedding]
  Vector query_bias, key_bias, value_bias;  ///< As many elements as rows; optional.
  Vector query_norm, key_norm;              ///< [key_size]; optional.
  weights::PackedMatrix attention_output;   ///< [embedding, heads * value_size]
  Vector attention_output_bias;             ///< [embedding]; optional.
  Vector attention_post_norm;               ///< [embedding]; optional.
  Vector feed_forward_norm;                 ///< [embedding]
  weights::PackedMatrix gate, up;           ///< [feed_forward, embedding]
  weights::PackedMatrix down;               ///< [embedding, feed_forward]
  Vector gate_bias, up_bias, down_bias;     ///< As many elements as rows; optional.
  Vector feed_forward_post_norm;            ///< [embedding]; optional.

  std::array<const weights::PackedMatrix*, 7> matrices() const {
    return {&query, &key, &value, &attention_output, &gate, &up, &down};
  }
  std::array<const Vector*, 13> vectors() const {
    return {&attention_norm,        &query_bias,          &key_bias,          &value_bias, &query_norm, &key_norm,
            &attention_output_bias, &attention_post_norm, &feed_forward_norm, &gate_bias,  &up_bias,    &down_bias,
            &feed_forward_post_norm};
  }
};

struct ModelWeights {
  weights::PackedMatrix embedding;  ///< [vocab, embedding]
  /// [vocab, embedding]; empty if the embedding is also the output matrix.
  weights::PackedMatrix output;
  Vector output_norm;             ///< [embedding]
  Vector rope_frequency_factors;  ///< [rope dims / 2]; optional.
  std::vector<LayerWeights> layers;

  const weights::PackedMatrix& output_matrix() const { return output.empty() ? embedding : output; }
  std::size_t bytes() const;
};

}  // namespace pith::model
