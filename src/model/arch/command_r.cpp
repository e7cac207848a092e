#include <array>

#include "model/arch/arch.h"

namespace pith::model {
namespace {

constexpr Range kLogitScale = {1e-6, 1e6};

void adapt_command_r(const gguf::File&, const Keys& keys, ModelSpec& spec) {
  spec.logit_scale = static_cast<float>(keys.real("logit_scale", kLogitScale));
  for (LayerSpec& layer : spec.layers) layer.feed_forward_norm = {};
}

}  // namespace

/// Command R of Cohere: LayerNorm without bias, both blocks side by side on one norm, scaled logits.
std::span<const Architecture> command_r_family() {
  static constexpr std::array kFamily = {
      Architecture{"command-r",
                   {.pairs = RopePairs::kInterleaved, .norm = NormKind::kLayer, .residual = Residual::kParallel},
                   adapt_command_r},
  };
  return kFamily;
}

}  // namespace pith::model
