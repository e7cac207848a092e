#include <array>

#include "model/arch/arch.h"
#include "model/tensor_names.h"

namespace pith::model {
namespace {

/// Larger models have a norm for each block, of which attn_norm is that of feed-forward.
void adapt_falcon(const gguf::File& file, const Keys&, ModelSpec& spec) {
  for (std::size_t i = 0; i < spec.layers.size(); ++i) {
    LayerSpec& layer = spec.layers[i];
    layer.feed_forward_norm = {};
    if (file.find(layer_tensor(i, "attn_norm_2.weight")) == nullptr) continue;
    layer.feed_forward_norm = layer.attention_norm;
    layer.feed_forward_norm_tensor = "attn_norm";
    layer.attention_norm_tensor = "attn_norm_2";
    layer.attention_norm.bias = file.find(layer_tensor(i, "attn_norm_2.bias")) != nullptr;
  }
}

}  // namespace

/// Falcon (2311.16867): LayerNorm, one tensor for query, key and value, no gate, both blocks side by side.
std::span<const Architecture> falcon_family() {
  static constexpr std::array kFamily = {
      Architecture{"falcon",
                   {.norm = NormKind::kLayer,
                    .fused_qkv = true,
                    .activation = Activation::kGelu,
                    .gated = false,
                    .residual = Residual::kParallel},
                   adapt_falcon},
  };
  return kFamily;
}

}  // namespace pith::model
