#pragma once

#include "model/pass.h"

namespace pith::model {

/// Runs the tokens of a pass through all layers: appends them to the caches of their steps, and leaves their final
/// hidden states in the residual stream. A step's result depends neither on the number of threads, nor on how its
/// sequence is split into passes, nor on the other steps.
void forward(const Pass& pass);

}  // namespace pith::model
