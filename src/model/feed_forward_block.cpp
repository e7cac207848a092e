#include "model/feed_forward_block.h"

#include <algorithm>
#include <array>

namespace pith::model {

FeedForwardBlock::FeedForwardBlock(const Pass& pass, std::size_t layer)
    : pass_(pass),
      layer_(pass.spec.layers[layer]),
      layer_weights_(pass.weights.layers[layer]),
      spec_(layer_.feed_forward),
      w_(layer_weights_.feed_forward),
      b_(pass.workspace.buffers) {}

weights::FormatSet FeedForwardBlock::readers() const {
  return spec_.gated ? weights::formats_of(w_.gate, w_.up) : weights::formats_of(w_.up);
}

void FeedForwardBlock::project(const kernels::Activations& x) const {
  const std::size_t stride = b_.feed_forward_stride;
  if (spec_.gated) {
    const std::array<weights::Product, 2> both = {{{&w_.gate, b_.gate.data(), stride}, {&w_.up, b_.up.data(), stride}}};
    weights::multiply(pass_.k, pass_.pool, x, both);
  } else {
    const std::array<weights::Product, 1> up = {{{&w_.up, b_.gate.data(), stride}}};
    weights::multiply(pass_.k, pass_.pool, x, up);
  }
}

void FeedForwardBlock::activate_row(std::size_t m) const {
  float* gate = &b_.gate[m * b_.feed_forward_stride];
  float* up = &b_.up[m * b_.feed_forward_stride];
  if (spec_.gated) {
    add_bias(pass_.k, gate, w_.gate_bias);
    add_bias(pass_.k, up, w_.up_bias);
  } else {
    add_bias(pass_.k, gate, w_.up_bias);
    std::fill_n(up, spec_.size, 1.0F);
  }
  (spec_.activation == Activation::kSilu ? pass_.k.silu_mul : pass_.k.gelu_mul)(gate, up, spec_.size);
}

Addition FeedForwardBlock::run(const kernels::Activations& x, Buffer<float>& out) const {
  project(x);
  const std::array<weights::Product, 1> down = {{{&w_.down, out.data(), b_.hidden_stride}}};
  weights::multiply(pass_.k, pass_.pool,
                    activations(pass_, b_.gate, pass_.rows(), spec_.size, weights::formats_of(w_.down),
                                [&](std::size_t m) { activate_row(m); }),
                    down);
  return {&out, &w_.down_bias, Norm(layer_.feed_forward_post_norm, layer_weights_.feed_forward_post_norm)};
}

}  // namespace pith::model
