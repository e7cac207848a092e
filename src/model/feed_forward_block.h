#pragma once

#include <cstddef>

#include "model/residual_stream.h"

namespace pith::model {

/// The feed-forward block of a layer: down(activation(gate(x)) * up(x)), or down(activation(up(x))) without a gate.
class FeedForwardBlock {
 public:
  FeedForwardBlock(const Pass& pass, std::size_t layer);

  /// Returns which forms of x run() reads.
  weights::FormatSet readers() const;
  /// x [rows, hidden_size]. The output goes to `out`.
  Addition run(const kernels::Activations& x, Buffer<float>& out) const;

 private:
  void project(const kernels::Activations& x) const;
  /// gate = activation(gate) * up, of row m
  void activate_row(std::size_t m) const;

  const Pass& pass_;
  const LayerSpec& layer_;
  const LayerWeights& layer_weights_;
  const FeedForwardSpec& spec_;
  const FeedForwardWeights& w_;
  Buffers& b_;
};

}  // namespace pith::model
