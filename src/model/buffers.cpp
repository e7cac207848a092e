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

std::size_t query_rows(const LayerSpec& layer) {
  return std::max(layer.attention.query_rows(), layer.attention.query_matrix_rows());
}
std::size_t key_rows(const LayerSpec& layer) { return layer.attention.key_rows(); }
std::size_t value_rows(const LayerSpec& layer) { return layer.attention.value_rows(); }
std::size_t output_columns(const LayerSpec& layer) { return layer.attention.output_columns(); }
/// Returns the size of the network that every token takes: the layer's only one, or the shared expert.
std::size_t feed_forward_size(const LayerSpec& layer) {
  const ExpertsSpec& experts = layer.feed_forward.experts;
  return experts.present() ? experts.shared_size : layer.feed_forward.size;
}
std::size_t expert_size(const LayerSpec& layer) {
  return layer.feed_forward.experts.present() ? layer.feed_forward.size : 0;
}
std::size_t experts_of(const LayerSpec& layer) { return layer.feed_forward.experts.count; }
std::size_t experts_used(const LayerSpec& layer) { return layer.feed_forward.experts.used; }
bool has_experts(const ModelSpec& spec) { return widest(spec, experts_of) != 0; }
/// Returns the floats of a row of an expert, the 8-bit form of what it reads included.
std::size_t expert_floats(const ModelSpec& spec) {
  return has_experts(spec) ? 2 * spec.hidden_size + 3 * widest(spec, expert_size) : 0;
}
/// Returns the tiles of experts beyond those that the tokens of a batch fill: one for each that a token takes, so that
/// decoding needs one pass, but no fewer than a prompt keeps busy, and no more than any model needs.
std::size_t tiles_beside(const ModelSpec& spec) {
  constexpr std::size_t kTilesMin = 8;
  constexpr std::size_t kTilesMax = 32;
  return has_experts(spec) ? std::clamp(widest(spec, experts_used), kTilesMin, kTilesMax) : 0;
}
std::size_t gate_size(const LayerSpec& layer) {
  return layer.attention.output_gate ? layer.attention.output_columns() : 0;
}
/// Returns the size of the embeddings of all layers together.
std::size_t layer_embeddings_size(const ModelSpec& spec) { return spec.layer_embedding.size * spec.layers.size(); }
/// Returns the width of what experts keep apart from the layer's rows.
std::size_t apart_size(const ModelSpec& spec) {
  return widest(
      spec, [&](const LayerSpec& l) { return l.feed_forward.experts.router_norm.present() ? spec.hidden_size : 0; });
}
std::size_t channels_of(const LayerSpec& layer) { return layer.recurrent.channels(); }
std::size_t inner_size(const LayerSpec& layer) { return layer.recurrent.inner(); }
std::size_t beside_of(const LayerSpec& layer) { return beside_size(layer.recurrent); }
std::size_t recurrent_heads(const LayerSpec& layer) { return layer.recurrent.heads; }
std::size_t query_rank(const LayerSpec& layer) { return layer.attention.latent.query_rank; }
std::size_t joint_size(const LayerSpec& layer) {
  return layer.attention.latent.present() ? layer.attention.latent.rank + layer.attention.rotated_size() : 0;
}
/// Returns the size of a head's queries before they meet the latent.
std::size_t queries_size(const LayerSpec& layer) {
  return layer.attention.latent.present() ? layer.attention.query_matrix_rows() : 0;
}
std::size_t latent_heads(const LayerSpec& layer) {
  return layer.attention.latent.present() ? layer.attention.heads : 0;
}
/// Returns the most elements of a head that are multiplied with its matrices.
std::size_t latent_columns(const LayerSpec& layer) {
  return std::max(layer.attention.latent.key_size, layer.attention.latent.rank);
}
std::size_t latent_outputs(const LayerSpec& layer) {
  return layer.attention.latent.present() ? layer.attention.output_matrix_columns() : 0;
}
/// Returns the floats of a row of every head, the 8-bit form included.
std::size_t latent_floats(const ModelSpec& spec) {
  return 2 * widest(spec, latent_heads) * widest(spec, latent_columns);
}
std::size_t parallel_size(const ModelSpec& spec) {
  return widest(spec, [&](const LayerSpec& l) { return l.residual == Residual::kParallel ? spec.hidden_size : 0; });
}

}  // namespace

std::size_t Buffers::bytes_of(const ModelSpec& spec, std::size_t tokens) {
  // Those of attention are there as queries, scaled, and in the basis of sealed pages.
  const std::size_t floats =
      4 * spec.hidden_size + parallel_size(spec) + 3 * widest(spec, query_rows) + 2 * widest(spec, output_columns) +
      2 * (widest(spec, key_rows) + widest(spec, value_rows)) + 3 * widest(spec, feed_forward_size) +
      expert_floats(spec) + widest(spec, experts_of) + 3 * widest(spec, experts_used) + widest(spec, gate_size) +
      apart_size(spec) + 2 * layer_embeddings_size(spec) + widest(spec, channels_of) + 2 * widest(spec, inner_size) +
      widest(spec, beside_of) + 3 * widest(spec, recurrent_heads) + widest(spec, query_rank) +
      widest(spec, joint_size) + widest(spec, queries_size) + widest(spec, latent_outputs) + latent_floats(spec);
  const std::size_t tiles = tiles_beside(spec) * expert_floats(spec) + latent_floats(spec);
  return (tokens * floats + tiles * kernels::kTileRows) * sizeof(float);
}

std::size_t Buffers::tokens_within(const ModelSpec& spec, std::size_t bytes) {
  const std::size_t fixed = bytes_of(spec, 0);
  return std::max<std::size_t>(1, (bytes - std::min(bytes, fixed)) / (bytes_of(spec, 1) - fixed));
}

ExpertBuffers::ExpertBuffers(const ModelSpec& spec, std::size_t tokens_max)
    : router_stride(padded(widest(spec, experts_of))),
      rows((kernels::row_tiles(tokens_max) + tiles_beside(spec)) * kernels::kTileRows),
      router(tokens_max * router_stride),
      shares(tokens_max * widest(spec, experts_used)),
      hidden(rows * padded(spec.hidden_size)),
      apart(tokens_max * padded(apart_size(spec))),
      gate(rows * padded(widest(spec, expert_size))),
      up(gate.size()),
      quantized(rows, std::max(padded(spec.hidden_size), padded(widest(spec, expert_size)))),
      chosen(shares.size()),
      places(shares.size()) {}

std::size_t ExpertBuffers::bytes() const {
  const std::size_t floats = router.size() + shares.size() + hidden.size() + apart.size() + gate.size() + up.size();
  return floats * sizeof(float) + (chosen.size() + places.size()) * sizeof(std::uint32_t) + quantized.bytes();
}

std::size_t beside_size(const RecurrentSpec& spec) {
  if (spec.kind == Recurrence::kShortConvolution) return spec.inner();
  return spec.fused_rates ? 2 * spec.heads : spec.heads;
}

RecurrentBuffers::RecurrentBuffers(const ModelSpec& spec, std::size_t tokens_max)
    : channels(tokens_max * padded(widest(spec, channels_of))),
      gate(tokens_max * padded(widest(spec, inner_size))),
      out(gate.size()),
      beside(tokens_max * padded(widest(spec, beside_of))),
      writing(tokens_max * padded(2 * widest(spec, recurrent_heads))),
      rates(writing.size()) {}

std::size_t RecurrentBuffers::bytes() const {
  return (channels.size() + gate.size() + out.size() + beside.size() + writing.size() + rates.size()) * sizeof(float);
}

LatentBuffers::LatentBuffers(const ModelSpec& spec, std::size_t tokens_max)
    : compressed(tokens_max * padded(widest(spec, query_rank))),
      joint(tokens_max * padded(widest(spec, joint_size))),
      queries(tokens_max * padded(widest(spec, queries_size))),
      head_rows(kernels::row_tiles(tokens_max) * kernels::kTileRows),
      heads(widest(spec, latent_heads) * head_rows * padded(widest(spec, latent_columns))),
      outputs(tokens_max * padded(widest(spec, latent_outputs))),
      quantized(widest(spec, latent_heads) * head_rows, padded(widest(spec, latent_columns))) {}

std::size_t LatentBuffers::bytes() const {
  const std::size_t floats = compressed.size() + joint.size() + queries.size() + heads.size() + outputs.size();
  return floats * sizeof(float) + quantized.bytes();
}

std::size_t Buffers::bytes() const {
  const std::size_t floats = residual.size() + normed.size() + qkv.size() + attention.size() + projected.size() +
                             projected_beside.size() + gate.size() + up.size() + attention_gate.size() +
                             layer_embeddings.size() + layer_embedding_rows.size();
  return floats * sizeof(float) + quantized.bytes() + experts.bytes() + recurrent.bytes() + latent.bytes();
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
      gate(tokens_max * std::max(feed_forward_stride, padded(spec.layer_embedding.size))),
      up(tokens_max * feed_forward_stride),
      attention_gate(tokens_max * padded(widest(spec, gate_size))),
      layer_embeddings_stride(padded(layer_embeddings_size(spec))),
      layer_embeddings(tokens_max * layer_embeddings_stride),
      layer_embedding_rows(layer_embeddings.size()),
      quantized(tokens_max, std::max({hidden_stride, attention_stride, feed_forward_stride,
                                      padded(widest(spec, inner_size)), padded(spec.layer_embedding.size),
                                      padded(widest(spec, query_rank)), padded(widest(spec, latent_outputs))})),
      experts(has_experts(spec) ? ExpertBuffers(spec, tokens_max) : ExpertBuffers()),
      recurrent(spec, tokens_max),
      latent(widest(spec, latent_heads) != 0 ? LatentBuffers(spec, tokens_max) : LatentBuffers()) {}

}  // namespace pith::model
