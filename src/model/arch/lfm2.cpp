#include <array>

#include "model/arch/arch.h"
#include "model/arch/windows.h"

namespace pith::model {
namespace {

void adapt_lfm2(const gguf::File& file, const Keys& keys, ModelSpec& spec) {
  spec.output_norm_tensor = "token_embd_norm";
  add_windows_everywhere(file, keys, spec);
}

constexpr RecurrentTraits kConvolutions = {RecurrentLayers::kWithoutKvHeads, Recurrence::kShortConvolution};

}  // namespace

/// LFM 2 of Liquid AI (2511.23404): short convolutions, with attention in some layers; and its mixture of experts.
std::span<const Architecture> lfm2_family() {
  static constexpr std::array kFamily = {
      Architecture{"lfm2", {.query_key_norm = true, .recurrent = kConvolutions}, adapt_lfm2},
      Architecture{
          "lfm2moe", {.query_key_norm = true, .experts = {.allowed = true}, .recurrent = kConvolutions}, adapt_lfm2},
  };
  return kFamily;
}

}  // namespace pith::model
