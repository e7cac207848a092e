#include <array>

#include "model/arch/arch.h"
#include "model/arch/windows.h"

namespace pith::model {
namespace {

constexpr std::uint64_t kOlmo3Period = 4;

void adapt_olmo(const gguf::File&, const Keys& keys, ModelSpec& spec) {
  const auto clamp = static_cast<float>(keys.real_unless_zero("attention.clamp_kqv", kSoftcap).value_or(0.0));
  for (LayerSpec& layer : spec.layers) layer.attention.clamp = clamp;
}

/// OLMo 3 (2512.13961) has windows in three of four layers, whose RoPE is never scaled.
void adapt_olmo2(const gguf::File& file, const Keys& keys, ModelSpec& spec) {
  if (!has_windows(file, keys)) return;
  spec.ropes.push_back(spec.ropes.front().unscaled());
  add_windows(file, keys, kOlmo3Period, spec.ropes.size() - 1, spec);
}

/// With windows, only layers that have one rotate queries and keys.
void adapt_exaone4(const gguf::File& file, const Keys& keys, ModelSpec& spec) {
  if (!has_windows(file, keys)) return;
  without_rope(spec);
  add_windows(file, keys, kOlmo3Period, 0, spec);
}

}  // namespace

/// OLMo (2402.00838), whose norms have no weights. Decoders with norms after their blocks only: OLMo 2 and 3
/// (2501.00656), which normalize queries and keys over all heads, and EXAONE 4 (2507.11407), which does so by head.
std::span<const Architecture> olmo2_family() {
  static constexpr std::array kFamily = {
      Architecture{
          "olmo", {.pairs = RopePairs::kInterleaved, .norm = NormKind::kLayer, .plain_norms = true}, adapt_olmo},
      Architecture{
          "olmo2",
          {.query_key_norm = true, .query_key_norm_extent = NormExtent::kWhole, .pre_norms = false, .post_norms = true},
          adapt_olmo2},
      Architecture{"exaone4", {.query_key_norm = true, .pre_norms = false, .post_norms = true}, adapt_exaone4},
  };
  return kFamily;
}

}  // namespace pith::model
