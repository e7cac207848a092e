#pragma once

#include <cstddef>

#include "base/buffer.h"
#include "kernels/types.h"
#include "model/hparams.h"
#include "weights/matmul.h"

namespace pith::model {

constexpr std::size_t padded(std::size_t columns) {
  return (columns + kernels::kLanes - 1) / kernels::kLanes * kernels::kLanes;
}

/// All activations of a batch. Rows are `padded(columns)` floats apart, since kernels write 16 outputs at once.
struct Buffers {
  /// Tokens whose activations take about `bytes` at most, but one at least.
  static std::size_t tokens_within(const Hparams& h, std::size_t bytes);

  Buffers(const Hparams& h, std::size_t tokens_max);

  std::size_t bytes() const;

  std::size_t embedding_stride, query_stride, key_stride, value_stride, attention_stride, feed_forward_stride,
      vocab_stride;
  std::size_t qkv_stride;   ///< query + key + value
  Buffer<float> residual;   ///< [tokens, embedding]
  Buffer<float> normed;     ///< [tokens, embedding]
  Buffer<float> qkv;        ///< [tokens, query | key | value]
  Buffer<float> attention;  ///< [tokens, heads * value_size]
  Buffer<float> projected;  ///< [tokens, embedding]
  Buffer<float> gate, up;   ///< [tokens, feed_forward]
  weights::QuantizedRows quantized;
};

}  // namespace pith::model
