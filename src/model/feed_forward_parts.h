#pragma once

#include <cstddef>

#include "kernels/table.h"
#include "model/spec.h"
#include "model/weights.h"
#include "weights/matmul.h"

namespace pith::model {

/// One feed-forward network, be it a layer's only one or one of its experts: down(activation(gate(x)) * up(x)), or
/// down(activation(up(x))) without a gate. References to a model's weights.
struct FeedForwardParts {
  const weights::PackedMatrix &gate, &up, &down;
  const Vector &gate_bias, &up_bias, &down_bias;
  std::size_t size;
  Activation activation;
  bool gated;

  template <typename Weights>
  static FeedForwardParts of(const FeedForwardSpec& spec, const Weights& w, std::size_t size) {
    return {w.gate, w.up, w.down, w.gate_bias, w.up_bias, w.down_bias, size, spec.activation, spec.gated};
  }

  /// Returns which forms of x the first products read.
  weights::FormatSet readers() const { return gated ? weights::formats_of(gate, up) : weights::formats_of(up); }
  /// Makes what `down` reads in place of the first product's output: gate [size] = activation(gate) * up, of one row.
  /// Without a gate, `gate` holds up(x), and `up` is scratch memory.
  void activate(const kernels::KernelTable& k, float* gate_row, float* up_row) const;
};

}  // namespace pith::model
