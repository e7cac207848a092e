#pragma once

#include <cstddef>

#include "model/experts_block.h"
#include "model/feed_forward_parts.h"
#include "model/residual_stream.h"

namespace pith::model {

/// The feed-forward block of a layer: one network, or a mixture of experts.
class FeedForwardBlock {
 public:
  FeedForwardBlock(const Pass& pass, std::size_t layer);

  /// Returns which forms of x run() reads.
  weights::FormatSet readers() const;
  /// x [rows, hidden_size]. The output goes to `out`.
  Addition run(const kernels::Activations& x, Buffer<float>& out) const;

 private:
  const Pass& pass_;
  const LayerSpec& layer_;
  const LayerWeights& weights_;
};

/// Writes a network's output without its last bias for x [rows, hidden_size] to out.
void run_feed_forward(const Pass& pass, const FeedForwardParts& parts, const kernels::Activations& x,
                      Buffer<float>& out);

}  // namespace pith::model
