#include <array>

#include "model/arch/arch.h"

namespace pith::model {

/// Decoders that their traits describe.
std::span<const Architecture> llama_family() {
  static constexpr std::array kFamily = {
      // Llama 1 to 3, Mistral, TinyLlama, SmolLM2 (Touvron et al., 2302.13971). Files store Q and K permuted for
      // interleaved pairs.
      Architecture{"llama", {.pairs = RopePairs::kInterleaved}},
      // Qwen 2 and 2.5 (2407.10671): biases on Q, K and V.
      Architecture{"qwen2", {.qkv_bias = true}},
      // Qwen 3 (2505.09388): each head's query and key are RMS-normalized before RoPE.
      Architecture{"qwen3", {.query_key_norm = true}},
      // StarCoder 2 (2402.19173): LayerNorm and no gate.
      Architecture{"starcoder2",
                   {.norm = NormKind::kLayer,
                    .qkv_bias = true,
                    .biases = true,
                    .activation = Activation::kGelu,
                    .gated = false}},
  };
  return kFamily;
}

}  // namespace pith::model
