#include <array>
#include <string_view>

#include "model/arch/arch.h"
#include "model/arch/windows.h"

namespace pith::model {
namespace {

constexpr std::size_t kLayersOf27B = 46;
constexpr std::uint64_t kGemma2Period = 2;

float softcap(const Keys& keys, std::string_view name) {
  return static_cast<float>(keys.real_unless_zero(name, kSoftcap).value_or(0.0));
}

/// The 27B model alone divides by the square root of embedding size / heads in place of the head size.
void adapt_gemma2(const gguf::File& file, const Keys& keys, ModelSpec& spec) {
  scale_embedding(file, keys, spec);
  const float scale_27b = scale_by_embedding(file, spec);
  const float score_cap = softcap(keys, "attn_logit_softcapping");
  for (LayerSpec& layer : spec.layers) {
    if (spec.layers.size() == kLayersOf27B) layer.attention.scale = scale_27b;
    layer.attention.softcap = score_cap;
  }
  spec.logit_softcap = softcap(keys, "final_logit_softcapping");
  add_windows(file, keys, kGemma2Period, 0, spec);
}

}  // namespace

/// Gemma (2403.08295) and Gemma 2 (2408.00118), in which every second layer has a window, and scores and logits are
/// capped. Files store norm weights with 1 already added.
std::span<const Architecture> gemma2_family() {
  static constexpr std::array kFamily = {
      Architecture{"gemma", {.activation = Activation::kGelu}, scale_embedding},
      Architecture{"gemma2", {.post_norms = true, .activation = Activation::kGelu}, adapt_gemma2},
  };
  return kFamily;
}

}  // namespace pith::model
