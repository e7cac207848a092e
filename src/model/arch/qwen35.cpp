#include <array>

#include "model/arch/arch.h"

namespace pith::model {
namespace {

constexpr ExpertTraits kQwenExperts = {.allowed = true, .shared = true, .shared_gate = true};

constexpr RecurrentTraits delta_rule(KeyHeads reads) {
  return {RecurrentLayers::kByPeriod, Recurrence::kDeltaRule, reads};
}

}  // namespace

/// Qwen 3 Next, 3.5 and 3.6: Gated DeltaNet (2412.06464) in three of four layers, gated attention (2505.06708) in the
/// fourth. Text alone has one position in all sections of M-RoPE. The converter of Qwen 3.5 reorders value heads.
std::span<const Architecture> qwen35_family() {
  static constexpr std::array kFamily = {
      Architecture{"qwen3next",
                   {.query_key_norm = true,
                    .query_gate = true,
                    .experts = kQwenExperts,
                    .recurrent = delta_rule(KeyHeads::kBlocks)},
                   use_post_attention_norm},
      Architecture{"qwen35",
                   {.query_key_norm = true, .query_gate = true, .recurrent = delta_rule(KeyHeads::kCyclic)},
                   use_post_attention_norm},
      Architecture{"qwen35moe",
                   {.query_key_norm = true,
                    .query_gate = true,
                    .experts = kQwenExperts,
                    .recurrent = delta_rule(KeyHeads::kCyclic)},
                   use_post_attention_norm},
  };
  return kFamily;
}

}  // namespace pith::model
