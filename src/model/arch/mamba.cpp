#include <array>

#include "model/arch/arch.h"

namespace pith::model {

/// Models of state spaces alone: Mamba 2 (2405.21060).
std::span<const Architecture> mamba_family() {
  static constexpr std::array kFamily = {
      Architecture{
          "mamba2",
          {.recurrent = {RecurrentLayers::kAll, Recurrence::kStateSpace, KeyHeads::kBlocks, FeedForwardLayers::kNone}}},
  };
  return kFamily;
}

}  // namespace pith::model
