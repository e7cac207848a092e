#include "model/buffers.h"

#include <algorithm>

namespace pith::model {

std::size_t Buffers::tokens_within(const Hparams& h, std::size_t bytes) {
  // Those of attention are there as queries, scaled, and in the basis of sealed pages.
  const std::size_t floats = 4 * h.embedding + 3 * h.heads * h.key_size + 2 * h.heads * h.value_size +
                             2 * h.kv_heads * (h.key_size + h.value_size) + 3 * h.feed_forward;
  return std::max<std::size_t>(1, bytes / (floats * sizeof(float)));
}

std::size_t Buffers::bytes() const {
  const std::size_t floats =
      residual.size() + normed.size() + qkv.size() + attention.size() + projected.size() + gate.size() + up.size();
  return floats * sizeof(float) + quantized.bytes();
}

Buffers::Buffers(const Hparams& h, std::size_t tokens_max)
    : embedding_stride(padded(h.embedding)),
      query_stride(padded(h.heads * h.key_size)),
      key_stride(padded(h.kv_heads * h.key_size)),
      value_stride(padded(h.kv_heads * h.value_size)),
      attention_stride(padded(h.heads * h.value_size)),
      feed_forward_stride(padded(h.feed_forward)),
      vocab_stride(padded(h.vocab)),
      qkv_stride(query_stride + key_stride + value_stride),
      residual(tokens_max * embedding_stride),
      normed(tokens_max * embedding_stride),
      qkv(tokens_max * qkv_stride),
      attention(tokens_max * attention_stride),
      projected(tokens_max * embedding_stride),
      gate(tokens_max * feed_forward_stride),
      up(tokens_max * feed_forward_stride),
      quantized(tokens_max, std::max({embedding_stride, attention_stride, feed_forward_stride})) {}

}  // namespace pith::model
