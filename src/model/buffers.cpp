#include "model/buffers.h"

#include <algorithm>

namespace pith::model {
namespace {

/// Returns the largest of a size over the layers.
template <typename Size>
std::size_t widest(const ModelSpec& spec, const Size& size) {
  std::size_t most = 0;
  for (const LayerSpec& layer : spec.layers) most = std::max(most, size(layer));
  return most;
}

std::size_t query_rows(const LayerSpec& layer) { return layer.attention.query_rows(); }
std::size_t key_rows(const LayerSpec& layer) { return layer.attention.key_rows(); }
std::size_t value_rows(const LayerSpec& layer) { return layer.attention.value_rows(); }
std::size_t output_columns(const LayerSpec& layer) { return layer.attention.output_columns(); }
std::size_t feed_forward_size(const LayerSpec& layer) { return layer.feed_forward.size; }
std::size_t parallel_size(const ModelSpec& spec) {
  return widest(spec, [&](const LayerSpec& l) { return l.residual == Residual::kParallel ? spec.hidden_size : 0; });
}

}  // namespace

std::size_t Buffers::bytes_of(const ModelSpec& spec, std::size_t tokens) {
  // Those of attention are there as queries, scaled, and in the basis of sealed pages.
  const std::size_t floats =
      4 * spec.hidden_size + parallel_size(spec) + 3 * widest(spec, query_rows) + 2 * widest(spec, output_columns) +
      2 * (widest(spec, key_rows) + widest(spec, value_rows)) + 3 * widest(spec, feed_forward_size);
  return tokens * floats * sizeof(float);
}

std::size_t Buffers::tokens_within(const ModelSpec& spec, std::size_t bytes) {
  return std::max<std::size_t>(1, bytes / bytes_of(spec, 1));
}

std::size_t Buffers::bytes() const {
  const std::size_t floats = residual.size() + normed.size() + qkv.size() + attention.size() + projected.size() +
                             projected_beside.size() + gate.size() + up.size();
  return floats * sizeof(float) + quantized.bytes();
}

Buffers::Buffers(const ModelSpec& spec, std::size_t tokens_max)
    : hidden_stride(padded(spec.hidden_size)),
      query_stride(padded(widest(spec, query_rows))),
      key_stride(padded(widest(spec, key_rows))),
      value_stride(padded(widest(spec, value_rows))),
      attention_stride(padded(widest(spec, output_columns))),
      feed_forward_stride(padded(widest(spec, feed_forward_size))),
      vocab_stride(padded(spec.vocab)),
      qkv_stride(query_stride + key_stride + value_stride),
      residual(tokens_max * hidden_stride),
      normed(tokens_max * hidden_stride),
      qkv(tokens_max * qkv_stride),
      attention(tokens_max * attention_stride),
      projected(tokens_max * hidden_stride),
      projected_beside(tokens_max * padded(parallel_size(spec))),
      gate(tokens_max * feed_forward_stride),
      up(tokens_max * feed_forward_stride),
      quantized(tokens_max, std::max({hidden_stride, attention_stride, feed_forward_stride})) {}

}  // namespace pith::model
