#include <array>

#include "model/arch/arch.h"

namespace pith::model {
namespace {

constexpr ExpertTraits kNormalizedExperts = {.allowed = true};
constexpr ExpertTraits kPlainExperts = {.allowed = true, .normalized = false};
constexpr ExpertTraits kSharedExpert = {.allowed = true, .normalized = false, .shared = true};
constexpr ExpertTraits kGatedSharedExpert = {.allowed = true, .normalized = false, .shared = true, .shared_gate = true};

}  // namespace

/// Decoders that their traits describe.
std::span<const Architecture> llama_family() {
  static constexpr std::array kFamily = {
      // Llama 1 to 3, Mistral, TinyLlama, SmolLM2 (Touvron et al., 2302.13971), Mixtral (2401.04088). Files store Q and
      // K permuted for interleaved pairs.
      Architecture{"llama", {.pairs = RopePairs::kInterleaved, .experts = kNormalizedExperts}},
      // Qwen 2 and 2.5 (2407.10671): biases on Q, K and V.
      Architecture{"qwen2", {.qkv_bias = true}},
      // Qwen 1.5 and 2 as a mixture, with a shared expert that has a gate.
      Architecture{"qwen2moe", {.qkv_bias = true, .experts = kGatedSharedExpert}},
      // The text part of Qwen 2 and 2.5 VL (2409.12191): text alone has one position in all sections of M-RoPE.
      Architecture{"qwen2vl", {.qkv_bias = true}},
      // Qwen 3 (2505.09388): each head's query and key are RMS-normalized before RoPE.
      Architecture{"qwen3", {.query_key_norm = true}},
      Architecture{"qwen3moe", {.query_key_norm = true, .experts = kNormalizedExperts}},
      // The text parts of Qwen 3 VL (2511.21631).
      Architecture{"qwen3vl", {.query_key_norm = true}},
      Architecture{"qwen3vlmoe", {.query_key_norm = true, .experts = kNormalizedExperts}},
      // StarCoder 2 (2402.19173): LayerNorm and no gate.
      Architecture{"starcoder2",
                   {.norm = NormKind::kLayer,
                    .qkv_bias = true,
                    .biases = true,
                    .activation = Activation::kGelu,
                    .gated = false}},
      // Phi 1.5 and 2 (2309.05463): LayerNorm, no gate, both blocks side by side on one norm.
      Architecture{"phi2",
                   {.norm = NormKind::kLayer,
                    .qkv_bias = true,
                    .biases = true,
                    .activation = Activation::kGelu,
                    .gated = false,
                    .residual = Residual::kParallel},
                   without_second_norm},
      // Phi 3, 3.5 and 4 (2404.14219): fused tensors, LongRoPE; if there is a window, every layer has it.
      Architecture{"phi3", {.fused_gate_up = true}, add_windows_everywhere},
      // GLM 4 (2406.12793): norms before and after both blocks, half of each head rotated.
      Architecture{"glm4", {.pairs = RopePairs::kInterleaved, .post_norms = true, .fused_gate_up = true}},
      // InternLM 2 (2403.17297) and ERNIE 4.5, whose mixture chooses with a bias.
      Architecture{"internlm2", {.pairs = RopePairs::kInterleaved}},
      Architecture{"ernie4_5", {.pairs = RopePairs::kInterleaved}},
      Architecture{"ernie4_5-moe", {.pairs = RopePairs::kInterleaved, .experts = kNormalizedExperts}},
      // DeepSeekMoE (2401.06066): dense layers first, shared experts.
      Architecture{"deepseek", {.pairs = RopePairs::kInterleaved, .experts = kSharedExpert}},
      // OLMoE (2409.02060): queries and keys are normalized over all heads.
      Architecture{"olmoe",
                   {.query_key_norm = true, .query_key_norm_extent = NormExtent::kWhole, .experts = kPlainExperts}},
  };
  return kFamily;
}

}  // namespace pith::model
