#include <array>

#include "model/arch/arch.h"
#include "model/arch/windows.h"

namespace pith::model {
namespace {

constexpr Range kLogitScale = {1e-6, 1e6};
constexpr std::uint64_t kCohere2Period = 4;

/// The larger models normalize each head's query and key, with weights of its own.
void adapt_command_r(const gguf::File& file, const Keys& keys, ModelSpec& spec) {
  spec.logit_scale = static_cast<float>(keys.real("logit_scale", kLogitScale));
  without_second_norm(file, keys, spec);
  use_norms_by_head(file, spec);
}

/// Layers with a window rotate queries and keys, the others do not.
void adapt_cohere2(const gguf::File& file, const Keys& keys, ModelSpec& spec) {
  spec.logit_scale = static_cast<float>(keys.real("logit_scale", kLogitScale));
  without_second_norm(file, keys, spec);
  without_rope(spec);
  add_windows(file, keys, kCohere2Period, 0, spec);
}

constexpr Traits kCohere = {
    .pairs = RopePairs::kInterleaved, .norm = NormKind::kLayer, .residual = Residual::kParallel};

}  // namespace

/// Command R, R+ and R7B of Cohere: LayerNorm without bias, both blocks side by side on one norm, scaled logits.
std::span<const Architecture> command_r_family() {
  static constexpr std::array kFamily = {
      Architecture{"command-r", kCohere, adapt_command_r},
      Architecture{"cohere2", kCohere, adapt_cohere2},
  };
  return kFamily;
}

}  // namespace pith::model
