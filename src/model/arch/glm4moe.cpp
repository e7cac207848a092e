#include <array>

#include "model/arch/arch.h"
#include "model/tensor_names.h"

namespace pith::model {
namespace {

/// Only the larger models normalize queries and keys.
void adapt_glm4moe(const gguf::File& file, const Keys& keys, ModelSpec& spec) {
  use_post_attention_norm(file, keys, spec);
  for (std::size_t i = 0; i < spec.layers.size(); ++i) {
    if (file.find(layer_tensor(i, "attn_q_norm.weight")) == nullptr) continue;
    spec.layers[i].attention.query_key_norm = {spec.output_norm.kind, spec.output_norm.epsilon};
  }
}

}  // namespace

/// GLM 4.5, 4.6 and 4.7 (2508.06471): dense layers first, then experts chosen with a bias.
std::span<const Architecture> glm4moe_family() {
  static constexpr std::array kFamily = {
      Architecture{
          "glm4moe",
          {.experts = {.allowed = true, .gating = ExpertGating::kSigmoid, .normalized = false, .shared = true}},
          adapt_glm4moe},
  };
  return kFamily;
}

}  // namespace pith::model
