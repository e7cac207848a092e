#pragma once

#include <cstddef>

#include "base/buffer.h"
#include "kernels/types.h"
#include "model/spec.h"
#include "weights/matmul.h"

namespace pith::model {

constexpr std::size_t padded(std::size_t columns) {
  return (columns + kernels::kLanes - 1) / kernels::kLanes * kernels::kLanes;
}

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
  Buffer<float> gate, up;  ///< [tokens, feed_forward]
  weights::QuantizedRows quantized;
};

}  // namespace pith::model
