#pragma once

#include <deque>
#include <string>
#include <vector>

#include "model/reference_spec.h"
#include "model/reference_weights.h"

namespace pith::test {

/// Returns whether a layer has tensors of a recurrent block.
bool is_recurrent(const Weights& weights, const std::string& prefix);

/// What a recurrent layer carries from token to token, and the computation of its block for the next one.
class ReferenceState {
 public:
  Numbers next(Weights& weights, const ReferenceSpec& spec, const std::string& prefix, const Numbers& x);

 private:
  Numbers convolved(Weights& weights, const std::string& name, const Numbers& x);
  Numbers short_convolution(Weights& weights, const std::string& prefix, const Numbers& x);
  Numbers state_space(Weights& weights, const ReferenceSpec& spec, const std::string& prefix, const Numbers& x);
  Numbers delta_rule(Weights& weights, const ReferenceSpec& spec, const std::string& prefix, const Numbers& x);

  std::deque<Numbers> before_;   ///< The last inputs of the convolution, the newest first.
  std::vector<Numbers> states_;  ///< [heads]: [key, value]
};

}  // namespace pith::test
