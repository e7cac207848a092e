#include <array>

#include "model/arch/arch.h"
#include "model/arch/windows.h"

namespace pith::model {
namespace {

void adapt_gpt2(const gguf::File&, const Keys&, ModelSpec& spec) {
  spec.learned_positions = spec.context_trained;
  without_rope(spec);
}

}  // namespace

/// GPT-2 (Radford et al., 2019): LayerNorm, learned positions, no gate.
std::span<const Architecture> gpt2_family() {
  static constexpr std::array kFamily = {
      Architecture{"gpt2",
                   {.norm = NormKind::kLayer,
                    .qkv_bias = true,
                    .biases = true,
                    .fused_qkv = true,
                    .activation = Activation::kGelu,
                    .gated = false},
                   adapt_gpt2},
  };
  return kFamily;
}

}  // namespace pith::model
