#include <array>

#include "model/arch/arch.h"
#include "model/tensor_names.h"

namespace pith::model {
namespace {

/// The larger models have both blocks side by side on one norm, and normalize each head's query and key.
void adapt_stablelm(const gguf::File& file, const Keys&, ModelSpec& spec) {
  for (std::size_t i = 0; i < spec.layers.size(); ++i) {
    if (file.find(layer_tensor(i, "ffn_norm.weight")) != nullptr) continue;
    spec.layers[i].residual = Residual::kParallel;
    spec.layers[i].feed_forward_norm = {};
  }
  use_norms_by_head(file, spec);
}

}  // namespace

/// StableLM 2 (2402.17834): LayerNorm, a part of each head rotated.
std::span<const Architecture> stablelm_family() {
  static constexpr std::array kFamily = {
      Architecture{"stablelm", {.norm = NormKind::kLayer}, adapt_stablelm},
  };
  return kFamily;
}

}  // namespace pith::model
