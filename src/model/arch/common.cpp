#include <cmath>

#include "base/fail.h"
#include "model/arch/arch.h"
#include "model/arch/windows.h"
#include "model/tensor_names.h"

namespace pith::model {

void without_second_norm(const gguf::File&, const Keys&, ModelSpec& spec) {
  for (LayerSpec& layer : spec.layers) layer.feed_forward_norm = {};
}

void use_post_attention_norm(const gguf::File&, const Keys&, ModelSpec& spec) {
  for (LayerSpec& layer : spec.layers) layer.feed_forward_norm_tensor = "post_attention_norm";
}

void scale_embedding(const gguf::File&, const Keys&, ModelSpec& spec) {
  spec.embedding_scale = std::sqrt(static_cast<float>(spec.hidden_size));
}

float scale_by_embedding(const gguf::File& file, const ModelSpec& spec) {
  const std::size_t heads = spec.layers.front().attention.heads;
  if (spec.hidden_size < heads) {
    fail(ErrorKind::kFormat, "{}: {}.embedding_length is {}, must be at least attention.head_count {}", file.path(),
         spec.architecture, spec.hidden_size, heads);
  }
  const std::size_t size = spec.hidden_size / heads;
  return 1.0F / std::sqrt(static_cast<float>(size));
}

void add_windows_everywhere(const gguf::File& file, const Keys& keys, ModelSpec& spec) {
  add_windows(file, keys, 0, 0, spec);
}

void use_norms_by_head(const gguf::File& file, ModelSpec& spec) {
  for (std::size_t i = 0; i < spec.layers.size(); ++i) {
    if (file.find(layer_tensor(i, "attn_q_norm.weight")) == nullptr) continue;
    AttentionSpec& attention = spec.layers[i].attention;
    attention.query_key_norm = {spec.output_norm.kind, spec.output_norm.epsilon};
    attention.query_key_norm_extent = NormExtent::kHeads;
  }
}

}  // namespace pith::model
