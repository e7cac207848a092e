#pragma once

#include <cstddef>
#include <tuple>
#include <vector>

#include "base/described.h"
#include "model/spec.h"
#include "weights/packed_matrix.h"

namespace pith::model {

/// A vector of a model: norm weights or biases. Empty: absent.
using Vector = std::vector<float>;

struct NormWeights {
  Vector weight;
  Vector bias;

  static constexpr auto fields() {
    return std::tuple(field("weight", &NormWeights::weight), field("bias", &NormWeights::bias));
  }
};
static_assert(lists_every_field<NormWeights>);

/// A head's matrices around the latent.
struct LatentHeadWeights {
  weights::PackedMatrix key;    ///< [rank, key_size]: of a query, to what meets the latent.
  weights::PackedMatrix value;  ///< [value_size, rank]

  static constexpr auto fields() {
    return std::tuple(field("key", &LatentHeadWeights::key), field("value", &LatentHeadWeights::value));
  }
};
static_assert(lists_every_field<LatentHeadWeights>);

/// What a LatentSpec implies; the rest is empty.
struct LatentWeights {
  weights::PackedMatrix query;           ///< [query_rank, hidden_size]
  weights::PackedMatrix joint;           ///< [rank + rotated_size(), hidden_size]: the latent and the rotated key.
  std::vector<LatentHeadWeights> heads;  ///< [heads]
  NormWeights norm;                      ///< [rank]
  NormWeights query_norm;                ///< [query_rank]

  static constexpr auto fields() {
    using Self = LatentWeights;
    return std::tuple(field("query", &Self::query), field("joint", &Self::joint), field("heads", &Self::heads),
                      field("norm", &Self::norm), field("query_norm", &Self::query_norm));
  }
};
static_assert(lists_every_field<LatentWeights>);

struct AttentionWeights {
  /// [AttentionSpec::query_matrix_rows(), hidden_size, or LatentSpec::query_rank]
  weights::PackedMatrix query;
  weights::PackedMatrix key;                ///< [kv_heads * key_size, hidden_size]
  weights::PackedMatrix value;              ///< [kv_heads * value_size, hidden_size]
  weights::PackedMatrix output;             ///< [hidden_size, AttentionSpec::output_matrix_columns()]
  Vector query_bias, key_bias, value_bias;  ///< As many elements as rows.
  Vector output_bias;                       ///< [hidden_size]
  NormWeights query_norm, key_norm;         ///< [key_size], by head or of all heads (AttentionSpec)
  NormWeights value_norm;                   ///< [value_size]
  Vector sink_logits;                       ///< [heads]
  LatentWeights latent;

  static constexpr auto fields() {
    using Self = AttentionWeights;
    return std::tuple(field("query", &Self::query), field("key", &Self::key), field("value", &Self::value),
                      field("output", &Self::output), field("query_bias", &Self::query_bias),
                      field("key_bias", &Self::key_bias), field("value_bias", &Self::value_bias),
                      field("output_bias", &Self::output_bias), field("query_norm", &Self::query_norm),
                      field("key_norm", &Self::key_norm), field("value_norm", &Self::value_norm),
                      field("sink_logits", &Self::sink_logits), field("latent", &Self::latent));
  }
};
static_assert(lists_every_field<AttentionWeights>);

/// What a RecurrentSpec implies; the rest is empty.
struct RecurrentWeights {
  weights::PackedMatrix channels;  ///< [channels, hidden_size]: what the convolution runs over.
  weights::PackedMatrix gate;      ///< [inner, hidden_size]
  /// kShortConvolution: [inner, hidden_size], which multiplies the channels. Otherwise [rates, hidden_size] of decay.
  weights::PackedMatrix beside;
  weights::PackedMatrix writing;  ///< kDeltaRule without fused rates: [heads, hidden_size].
  weights::PackedMatrix output;   ///< [hidden_size, inner]
  Vector convolution;             ///< [channels / 16][taps][16]
  Vector convolution_bias;        ///< [channels]
  Vector decay, decay_bias;       ///< [heads]
  Vector skip;                    ///< kStateSpace: [heads]
  NormWeights norm;

  static constexpr auto fields() {
    using Self = RecurrentWeights;
    return std::tuple(field("channels", &Self::channels), field("gate", &Self::gate), field("beside", &Self::beside),
                      field("writing", &Self::writing), field("output", &Self::output),
                      field("convolution", &Self::convolution), field("convolution_bias", &Self::convolution_bias),
                      field("decay", &Self::decay), field("decay_bias", &Self::decay_bias), field("skip", &Self::skip),
                      field("norm", &Self::norm));
  }
};
static_assert(lists_every_field<RecurrentWeights>);

/// One expert of a mixture.
struct ExpertWeights {
  weights::PackedMatrix gate, up;        ///< [size, hidden_size]
  weights::PackedMatrix down;            ///< [hidden_size, size]
  Vector gate_bias, up_bias, down_bias;  ///< As many elements as rows.

  static constexpr auto fields() {
    using Self = ExpertWeights;
    return std::tuple(field("gate", &Self::gate), field("up", &Self::up), field("down", &Self::down),
                      field("gate_bias", &Self::gate_bias), field("up_bias", &Self::up_bias),
                      field("down_bias", &Self::down_bias));
  }
};
static_assert(lists_every_field<ExpertWeights>);

struct ExpertsWeights {
  weights::PackedMatrix router;        ///< [experts, hidden_size]
  Vector router_bias, selection_bias;  ///< [experts]
  std::vector<ExpertWeights> each;     ///< [experts]
  ExpertWeights shared;
  Vector shared_gate;                                                    ///< [hidden_size]
  Vector output_scales;                                                  ///< [experts]
  NormWeights router_norm, input_norm, output_norm, shared_output_norm;  ///< [hidden_size]

  static constexpr auto fields() {
    using Self = ExpertsWeights;
    return std::tuple(field("router", &Self::router), field("router_bias", &Self::router_bias),
                      field("selection_bias", &Self::selection_bias), field("each", &Self::each),
                      field("shared", &Self::shared), field("shared_gate", &Self::shared_gate),
                      field("output_scales", &Self::output_scales), field("router_norm", &Self::router_norm),
                      field("input_norm", &Self::input_norm), field("output_norm", &Self::output_norm),
                      field("shared_output_norm", &Self::shared_output_norm));
  }
};
static_assert(lists_every_field<ExpertsWeights>);

/// One block, or a mixture of experts.
struct FeedForwardWeights {
  weights::PackedMatrix gate, up;        ///< [size, hidden_size]
  weights::PackedMatrix down;            ///< [hidden_size, size]
  Vector gate_bias, up_bias, down_bias;  ///< As many elements as rows.
  ExpertsWeights experts;

  static constexpr auto fields() {
    using Self = FeedForwardWeights;
    return std::tuple(field("gate", &Self::gate), field("up", &Self::up), field("down", &Self::down),
                      field("gate_bias", &Self::gate_bias), field("up_bias", &Self::up_bias),
                      field("down_bias", &Self::down_bias), field("experts", &Self::experts));
  }
};
static_assert(lists_every_field<FeedForwardWeights>);

/// What a LayerEmbeddingSpec implies in each layer.
struct LayerEmbeddingWeights {
  weights::PackedMatrix gate;    ///< [size, hidden_size]
  weights::PackedMatrix output;  ///< [hidden_size, size]
  NormWeights post_norm;         ///< [hidden_size]

  static constexpr auto fields() {
    using Self = LayerEmbeddingWeights;
    return std::tuple(field("gate", &Self::gate), field("output", &Self::output), field("post_norm", &Self::post_norm));
  }
};
static_assert(lists_every_field<LayerEmbeddingWeights>);

/// What a LayerSpec implies; the rest is empty.
struct LayerWeights {
  NormWeights attention_norm, attention_post_norm;        ///< [hidden_size]
  NormWeights attention_sum_norm, feed_forward_sum_norm;  ///< [hidden_size]
  AttentionWeights attention;
  RecurrentWeights recurrent;
  NormWeights feed_forward_norm, feed_forward_post_norm;  ///< [hidden_size]
  FeedForwardWeights feed_forward;
  LayerEmbeddingWeights layer_embedding;
  Vector output_scale;  ///< [1]

  static constexpr auto fields() {
    using Self = LayerWeights;
    return std::tuple(
        field("attention_norm", &Self::attention_norm), field("attention_post_norm", &Self::attention_post_norm),
        field("attention_sum_norm", &Self::attention_sum_norm),
        field("feed_forward_sum_norm", &Self::feed_forward_sum_norm), field("attention", &Self::attention),
        field("recurrent", &Self::recurrent), field("feed_forward_norm", &Self::feed_forward_norm),
        field("feed_forward_post_norm", &Self::feed_forward_post_norm), field("feed_forward", &Self::feed_forward),
        field("layer_embedding", &Self::layer_embedding), field("output_scale", &Self::output_scale));
  }
};
static_assert(lists_every_field<LayerWeights>);

struct ModelWeights {
  weights::PackedMatrix embedding;         ///< [vocab, hidden_size]
  weights::PackedMatrix output;            ///< [vocab, hidden_size]; empty if the output is tied to the embedding.
  NormWeights output_norm;                 ///< [hidden_size]
  Vector output_bias;                      ///< [vocab]
  Vector token_type;                       ///< [hidden_size], of the first kind of text.
  NormWeights embedding_norm;              ///< [hidden_size]
  weights::PackedMatrix positions;         ///< [learned_positions, hidden_size]
  Vector rope_frequency_factors;           ///< [rope dims / 2]
  Vector rope_short_factors;               ///< [rope dims / 2]
  Vector rope_long_factors;                ///< [rope dims / 2]
  weights::PackedMatrix layer_embeddings;  ///< [vocab, layers * LayerEmbeddingSpec::size]
  weights::PackedMatrix layer_embedding_projection;  ///< [layers * LayerEmbeddingSpec::size, hidden_size]
  NormWeights layer_embedding_norm;                  ///< [LayerEmbeddingSpec::size]
  std::vector<LayerWeights> layers;

  const weights::PackedMatrix& output_matrix() const { return output.empty() ? embedding : output; }
  /// Returns the bytes of everything.
  std::size_t bytes() const;
  /// Returns the weights of the layers' matrices that a token is multiplied with: of experts only as many as it takes.
  std::size_t layer_parameters(const ModelSpec& spec) const;
  /// Returns the bytes that computing one token reads: all but the experts that it does not take, and but matrices of
  /// which it reads a row.
  std::size_t token_bytes(const ModelSpec& spec) const;

  static constexpr auto fields() {
    using Self = ModelWeights;
    return std::tuple(
        field("embedding", &Self::embedding), field("output", &Self::output), field("output_norm", &Self::output_norm),
        field("output_bias", &Self::output_bias), field("positions", &Self::positions),
        field("token_type", &Self::token_type), field("embedding_norm", &Self::embedding_norm),
        field("rope_frequency_factors", &Self::rope_frequency_factors),
        field("rope_short_factors", &Self::rope_short_factors), field("rope_long_factors", &Self::rope_long_factors),
        field("layer_embeddings", &Self::layer_embeddings),
        field("layer_embedding_projection", &Self::layer_embedding_projection),
        field("layer_embedding_norm", &Self::layer_embedding_norm), field("layers", &Self::layers));
  }
};
static_assert(lists_every_field<ModelWeights>);

}  // namespace pith::model
