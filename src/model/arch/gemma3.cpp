#include <array>

#include "model/arch/arch.h"
#include "model/arch/windows.h"

namespace pith::model {
namespace {

constexpr std::size_t kLayers27B = 62;
constexpr std::uint64_t kGemma3Period = 6;

/// Windowed layers have a RoPE of their own, with another base and never scaled.
void add_local_rope(const Keys& keys, ModelSpec& spec) {
  RopeParams local = spec.ropes.front().unscaled();
  local.base = keys.real_or("rope.freq_base_swa", 10000.0, kRopeBase);
  local.frequency_factors = false;
  spec.ropes.push_back(local);
}

void adapt_gemma3(const gguf::File& file, const Keys& keys, ModelSpec& spec) {
  scale_embedding(file, keys, spec);
  if (spec.layers.size() == kLayers27B) {
    const float scale = scale_by_embedding(file, spec);
    for (LayerSpec& layer : spec.layers) layer.attention.scale = scale;
  }
  spec.logit_softcap = static_cast<float>(keys.real_unless_zero("final_logit_softcapping", kSoftcap).value_or(0.0));
  if (!has_windows(file, keys)) return;
  add_local_rope(keys, spec);
  add_windows(file, keys, kGemma3Period, spec.ropes.size() - 1, spec);
}

}  // namespace

/// Gemma 3 (2503.19786): five sliding-window layers per global layer, each kind with its own RoPE base; norms before
/// and after both blocks; normalized queries and keys; scaled embeddings. Files store norm weights with 1 already
/// added.
std::span<const Architecture> gemma3_family() {
  static constexpr std::array kFamily = {
      Architecture{
          "gemma3", {.query_key_norm = true, .post_norms = true, .activation = Activation::kGelu}, adapt_gemma3},
      // EmbeddingGemma (2509.20354).
      Architecture{"gemma-embedding",
                   {.query_key_norm = true, .post_norms = true, .activation = Activation::kGelu, .both_ways = true},
                   adapt_gemma3},
  };
  return kFamily;
}

}  // namespace pith::model
