#pragma once

#include <span>

#include "model/pass.h"
#include "weights/matmul.h"

namespace pith::model {

/// weights::multiply() of all rows of a pass. Where several ranks compute the same few rows, each multiplies its share
/// of the panels and tells the others, if the weights take longer to read than a message takes. Bits are the same.
void multiply(const Pass& pass, const kernels::Activations& x, std::span<const weights::Product> products);

}  // namespace pith::model
