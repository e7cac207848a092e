#include <array>

#include "model/arch/arch.h"
#include "model/arch/windows.h"

namespace pith::model {
namespace {

constexpr std::uint64_t kGptOssPeriod = 2;

void adapt_gpt_oss(const gguf::File& file, const Keys& keys, ModelSpec& spec) {
  use_post_attention_norm(file, keys, spec);
  for (LayerSpec& layer : spec.layers) layer.attention.sink_logits = true;
  add_windows(file, keys, kGptOssPeriod, 0, spec);
}

}  // namespace

/// gpt-oss (2508.10925): a mixture of experts with biases everywhere, a learned logit beside each head's scores, and a
/// window in every second layer.
std::span<const Architecture> gpt_oss_family() {
  static constexpr std::array kFamily = {
      Architecture{"gpt-oss",
                   {.qkv_bias = true,
                    .biases = true,
                    .activation = Activation::kClampedSwiglu,
                    .experts = {.allowed = true, .gating = ExpertGating::kSoftmaxOfChosen, .normalized = false}},
                   adapt_gpt_oss},
      // Seed-OSS of ByteDance.
      Architecture{"seed_oss", {}, use_post_attention_norm},
  };
  return kFamily;
}

}  // namespace pith::model
