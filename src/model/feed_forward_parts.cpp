#include "model/feed_forward_parts.h"

#include <algorithm>

#include "model/pass.h"

namespace pith::model {

void FeedForwardParts::activate(const kernels::KernelTable& k, float* gate_row, float* up_row) const {
  if (gated) {
    add_bias(k, gate_row, gate_bias);
    add_bias(k, up_row, up_bias);
  } else {
    add_bias(k, gate_row, up_bias);
    std::fill_n(up_row, size, 1.0F);
  }
  switch (activation) {
    case Activation::kSilu:
      return k.silu_mul(gate_row, up_row, size);
    case Activation::kGelu:
      return k.gelu_mul(gate_row, up_row, size);
    case Activation::kSquaredRelu:
      return k.squared_relu(gate_row, size);
    case Activation::kClampedSwiglu:
      return k.clamped_swiglu(gate_row, up_row, size);
  }
}

}  // namespace pith::model
