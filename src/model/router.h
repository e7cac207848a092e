#pragma once

#include <cstdint>
#include <span>

#include "model/spec.h"
#include "model/weights.h"

namespace pith::model {

/// The experts that one token takes, in ascending order, so that outputs are added up in an order that depends on
/// nothing else.
struct ExpertChoice {
  std::span<std::uint32_t> experts;  ///< [used]
  std::span<float> shares;           ///< [used]
};

/// Chooses experts by the router's output for one token, logits [experts], which is overwritten. Of equal ones the
/// first is chosen; NaN is chosen last, and makes the shares NaN.
void choose_experts(const ExpertsSpec& spec, const ExpertsWeights& weights, std::span<float> logits,
                    const ExpertChoice& to);

}  // namespace pith::model
