#pragma once

#include <cstddef>
#include <span>

#include "model/residual_stream.h"

namespace pith::model {

/// The floats of a recurrent layer's state: what its convolution looks back on, [channels / 16][taps - 1][16], and a
/// matrix for each value head, [heads][value_size / 16][key_size][16].
std::size_t state_floats(const RecurrentSpec& spec);

/// What stands in place of attention in a recurrent layer: projects x to channels and gates, runs the channels through
/// a convolution and through the sequence's state, token by token, and projects what the gates let through to the
/// residual stream. Every sum has one order, so results depend neither on batches nor on threads.
class RecurrentBlock {
 public:
  RecurrentBlock(const Pass& pass, std::size_t layer);

  /// Returns which forms of x run() reads.
  weights::FormatSet readers() const;
  /// x [rows, hidden_size]
  Addition run(const kernels::Activations& x) const;

 private:
  /// The part of a pass that is one sequence's.
  struct Sequence {
    std::size_t row, tokens;
    const float* before;  ///< Its state; null: zeros.
    float* after;
  };

  void project(const kernels::Activations& x) const;
  Sequence sequence(std::size_t step) const;
  /// Convolves all channels in place.
  void convolve() const;
  void convolve(const Sequence& sequence, std::size_t block) const;
  /// Makes decay and share of each head and token of what was projected, and gives queries and keys their lengths.
  void shape_row(std::size_t m, std::span<const float> key_scale, std::span<const float> query_scale) const;
  void shape_rates(float* rates) const;
  /// Runs all heads through their states.
  void recur() const;
  void recur(const Sequence& sequence, std::size_t head, std::size_t block) const;
  /// Applies gate and norm to row m of Buffers::recurrent.out; the result is in the gate's place.
  void gate_row(std::size_t m) const;

  const Pass& pass_;
  const LayerSpec& layer_;
  const LayerWeights& layer_weights_;
  const RecurrentSpec& spec_;
  const RecurrentWeights& w_;
  RecurrentBuffers& b_;
  std::size_t state_layer_;
  std::size_t channels_stride_, inner_stride_, beside_stride_, rates_stride_;
};

}  // namespace pith::model
