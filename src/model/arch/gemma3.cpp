#include <array>
#include <cmath>

#include "base/fail.h"
#include "model/arch/arch.h"
#include "model/arch/softcap.h"
#include "model/arch/windows.h"

namespace pith::model {
namespace {

constexpr std::size_t kLayers27B = 62;
constexpr std::uint64_t kGemma3Period = 6;

/// Returns the 27B model's attention scale: it alone uses embedding size / heads in place of the head size.
float scale_27b(const gguf::File& file, const ModelSpec& spec) {
  const std::size_t heads = spec.layers.front().attention.heads;
  if (spec.hidden_size < heads) {
    fail(ErrorKind::kFormat, "{}: gemma3.embedding_length is {}, must be at least attention.head_count {}", file.path(),
         spec.hidden_size, heads);
  }
  const std::size_t size = spec.hidden_size / heads;
  return 1.0F / std::sqrt(static_cast<float>(size));
}

/// Windowed layers have a RoPE of their own, with another base and never scaled.
void add_local_rope(const Keys& keys, ModelSpec& spec) {
  RopeParams local = spec.ropes.front();
  local.base = keys.real_or("rope.freq_base_swa", 10000.0, kRopeBase);
  local.scaling = RopeScaling::kNone;
  local.factor = 1.0;
  local.attention_factor = 1.0;
  local.frequency_factors = false;
  spec.ropes.push_back(local);
}

void adapt_gemma3(const gguf::File& file, const Keys& keys, ModelSpec& spec) {
  spec.embedding_scale = std::sqrt(static_cast<float>(spec.hidden_size));
  if (spec.layers.size() == kLayers27B) {
    const float scale = scale_27b(file, spec);
    for (LayerSpec& layer : spec.layers) layer.attention.scale = scale;
  }
  spec.logit_softcap = read_softcap(file, keys, "final_logit_softcapping");
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
  };
  return kFamily;
}

}  // namespace pith::model
