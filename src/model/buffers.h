#pragma once

#include <cstddef>
#include <cstdint>

#include "base/buffer.h"
#include "kernels/types.h"
#include "model/spec.h"
#include "weights/matmul.h"

namespace pith::model {

constexpr std::size_t padded(std::size_t columns) {
  return (columns + kernels::kLanes - 1) / kernels::kLanes * kernels::kLanes;
}

/// The activations of a mixture of experts. Each expert of a pass has its tokens' rows in tiles of its own.
struct ExpertBuffers {
  ExpertBuffers() = default;
  ExpertBuffers(const ModelSpec& spec, std::size_t tokens_max);

  std::size_t bytes() const;

  std::size_t router_stride = 0;
  std::size_t rows = 0;  ///< Of the experts of a pass, in whole tiles.
  Buffer<float> router;  ///< [tokens, experts]
  Buffer<float> shares;  ///< [tokens, experts used]
  Buffer<float> hidden;  ///< [rows, hidden_size]: what experts read, then what they write
  /// [tokens, hidden_size]: what the router reads, then the experts' sum, where norms of their own part both from the
  /// layer's (ExpertsSpec::router_norm).
  Buffer<float> apart;
  Buffer<float> gate, up;  ///< [rows, feed_forward]
  weights::QuantizedRows quantized;
  /// Which experts a token takes, in ascending order: [tokens, experts used].
  Buffer<std::uint32_t> chosen;
  /// Where its row is among those of each of these: [tokens, experts used].
  Buffer<std::uint32_t> places;
};

/// The activations of recurrent layers, whose rows are as far apart as each layer's own widths say.
struct RecurrentBuffers {
  RecurrentBuffers() = default;
  RecurrentBuffers(const ModelSpec& spec, std::size_t tokens_max);

  std::size_t bytes() const;

  Buffer<float> channels;         ///< [tokens, channels]
  Buffer<float> gate, out;        ///< [tokens, inner]
  Buffer<float> beside, writing;  ///< [tokens, beside_size()], [tokens, heads]
  Buffer<float> rates;            ///< [tokens, decay | share of each head]
};

/// Returns the rows of RecurrentWeights::beside.
std::size_t beside_size(const RecurrentSpec& spec);

/// The activations of attention with a latent. Each head has the rows of its tokens in tiles of its own.
struct LatentBuffers {
  LatentBuffers() = default;
  LatentBuffers(const ModelSpec& spec, std::size_t tokens_max);

  std::size_t bytes() const;

  Buffer<float> compressed;   ///< [tokens, query_rank]
  Buffer<float> joint;        ///< [tokens, rank + rotated_size()]
  Buffer<float> queries;      ///< [tokens, query_matrix_rows()]
  std::size_t head_rows = 0;  ///< Rows of a head, in whole tiles.
  Buffer<float> heads;        ///< [heads * head_rows, key_size or rank]: what is multiplied with each head's matrices.
  Buffer<float> outputs;      ///< [tokens, output_matrix_columns()]
  weights::QuantizedRows quantized;
};

/// All activations of a batch. Rows are `padded(columns)` floats apart, since kernels write 16 outputs at once.
struct Buffers {
  /// More is not spent on a batch's activations: large models take smaller batches.
  static constexpr std::size_t kBytesMax = std::size_t{192} << 20;

  /// Bytes that the activations of `tokens` tokens take, those of attention included, to within some per cent.
  static std::size_t bytes_of(const ModelSpec& spec, std::size_t tokens);
  /// Tokens whose activations take about `bytes` at most, but one at least.
  static std::size_t tokens_within(const ModelSpec& spec, std::size_t bytes);

  Buffers(const ModelSpec& spec, std::size_t tokens_max);

  std::size_t bytes() const;

  std::size_t hidden_stride, query_stride, key_stride, value_stride, attention_stride, feed_forward_stride,
      vocab_stride;
  std::size_t qkv_stride;   ///< query + key + value
  Buffer<float> residual;   ///< [tokens, hidden_size]
  Buffer<float> normed;     ///< [tokens, hidden_size]
  Buffer<float> qkv;        ///< [tokens, query | key | value]
  Buffer<float> attention;  ///< [tokens, heads * value_size]
  Buffer<float> projected;  ///< [tokens, hidden_size]
  /// [tokens, hidden_size]; the output of feed-forward beside that of attention, if a layer has a parallel residual.
  Buffer<float> projected_beside;
  Buffer<float> gate, up;        ///< [tokens, feed_forward]
  Buffer<float> attention_gate;  ///< [tokens, heads * value_size], if attention has a gate.
  std::size_t layer_embeddings_stride;
  /// What layers add of their own embeddings, and the rows that these are made of: [tokens, layers * size].
  Buffer<float> layer_embeddings, layer_embedding_rows;
  weights::QuantizedRows quantized;
  ExpertBuffers experts;
  RecurrentBuffers recurrent;
  LatentBuffers latent;
};

}  // namespace pith::model
