#include <array>

#include "model/arch/arch.h"
#include "model/arch/windows.h"

namespace pith::model {
namespace {

void adapt_nemotron_h(const gguf::File&, const Keys&, ModelSpec& spec) { without_rope(spec); }

}  // namespace

/// Nemotron of NVIDIA: Nemotron 4 and Minitron (2402.16819), and Nemotron-H (2504.03624), each layer of which is one
/// block: a state space, attention that no position rotates, or feed-forward, which is a mixture in Nemotron 3.
std::span<const Architecture> nemotron_family() {
  static constexpr std::array kFamily = {
      Architecture{"nemotron", {.norm = NormKind::kLayer, .activation = Activation::kSquaredRelu, .gated = false}},
      Architecture{"nemotron_h",
                   {.activation = Activation::kSquaredRelu,
                    .gated = false,
                    .recurrent = {RecurrentLayers::kWithoutKvHeads, Recurrence::kStateSpace, KeyHeads::kBlocks,
                                  FeedForwardLayers::kAlone}},
                   adapt_nemotron_h},
      Architecture{"nemotron_h_moe",
                   {.activation = Activation::kSquaredRelu,
                    .gated = false,
                    .experts = {.allowed = true, .gating = ExpertGating::kSigmoid, .shared = true},
                    .recurrent = {RecurrentLayers::kWithoutKvHeads, Recurrence::kStateSpace, KeyHeads::kBlocks,
                                  FeedForwardLayers::kAlone}},
                   adapt_nemotron_h},
  };
  return kFamily;
}

}  // namespace pith::model
