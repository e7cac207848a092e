#include <array>

#include "model/arch/arch.h"
#include "model/arch/windows.h"

namespace pith::model {
namespace {

constexpr std::size_t kNoRopePeriod = 4;

void adapt_smollm3(const gguf::File&, const Keys&, ModelSpec& spec) {
  const std::size_t none = add_no_rope(spec);
  for (std::size_t i = kNoRopePeriod - 1; i < spec.layers.size(); i += kNoRopePeriod)
    spec.layers[i].attention.rope = none;
}

}  // namespace

/// SmolLM 3 of Hugging Face: a llama whose every fourth layer does not rotate queries and keys (NoPE, 2501.18795).
std::span<const Architecture> smollm3_family() {
  static constexpr std::array kFamily = {
      Architecture{"smollm3", {.pairs = RopePairs::kInterleaved}, adapt_smollm3},
  };
  return kFamily;
}

}  // namespace pith::model
