#include <array>
#include <cmath>

#include "base/fail.h"
#include "model/arch/arch.h"
#include "model/arch/softcap.h"
#include "model/arch/windows.h"

namespace pith::model {
namespace {

constexpr std::size_t kLayersOf27B = 46;
constexpr std::uint64_t kGemma2Period = 2;

void scale_embedding(const gguf::File&, const Keys&, ModelSpec& spec) {
  spec.embedding_scale = std::sqrt(static_cast<float>(spec.hidden_size));
}

/// The 27B model alone divides by the square root of embedding size / heads in place of the head size.
void adapt_gemma2(const gguf::File& file, const Keys& keys, ModelSpec& spec) {
  scale_embedding(file, keys, spec);
  const std::size_t heads = spec.layers.front().attention.heads;
  if (spec.hidden_size < heads) {
    fail(ErrorKind::kFormat, "{}: gemma2.embedding_length is {}, must be at least attention.head_count {}", file.path(),
         spec.hidden_size, heads);
  }
  const std::size_t size = spec.hidden_size / heads;
  const float softcap = read_softcap(file, keys, "attn_logit_softcapping");
  for (LayerSpec& layer : spec.layers) {
    if (spec.layers.size() == kLayersOf27B) layer.attention.scale = 1.0F / std::sqrt(static_cast<float>(size));
    layer.attention.softcap = softcap;
  }
  spec.logit_softcap = read_softcap(file, keys, "final_logit_softcapping");
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
