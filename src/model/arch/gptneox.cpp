#include <array>

#include "model/arch/arch.h"

namespace pith::model {
namespace {

/// The file says whether both blocks read the same x; without the key they do.
void adapt_gptneox(const gguf::File& file, const Keys& keys, ModelSpec& spec) {
  if (file.metadata().get<bool>(keys.name_of("use_parallel_residual")).value_or(true)) return;
  for (LayerSpec& layer : spec.layers) layer.residual = Residual::kSerial;
}

}  // namespace

/// GPT-NeoX and Pythia (2204.06745, 2304.01373): LayerNorm, one tensor for query, key and value, no gate, both blocks
/// side by side.
std::span<const Architecture> gptneox_family() {
  static constexpr std::array kFamily = {
      Architecture{"gptneox",
                   {.norm = NormKind::kLayer,
                    .qkv_bias = true,
                    .biases = true,
                    .fused_qkv = true,
                    .activation = Activation::kGelu,
                    .gated = false,
                    .residual = Residual::kParallel},
                   adapt_gptneox},
  };
  return kFamily;
}

}  // namespace pith::model
