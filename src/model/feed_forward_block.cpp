#include "model/feed_forward_block.h"

#include <array>

#include "model/divided_product.h"

namespace pith::model {

FeedForwardBlock::FeedForwardBlock(const Pass& pass, std::size_t layer)
    : pass_(pass), layer_(pass.spec.layers[layer]), weights_(pass.weights.layers[layer]) {}

weights::FormatSet FeedForwardBlock::readers() const {
  const FeedForwardSpec& spec = layer_.feed_forward;
  if (spec.experts.present()) return ExpertsBlock(pass_, spec, weights_.feed_forward.experts).readers();
  return FeedForwardParts::of(spec, weights_.feed_forward, spec.size).readers();
}

Addition FeedForwardBlock::run(const kernels::Activations& x, Buffer<float>& out) const {
  const FeedForwardSpec& spec = layer_.feed_forward;
  if (spec.experts.present()) {
    ExpertsBlock(pass_, spec, weights_.feed_forward.experts).run(x, out);
  } else {
    run_feed_forward(pass_, FeedForwardParts::of(spec, weights_.feed_forward, spec.size), x, out);
  }
  return {&out, &weights_.feed_forward.down_bias, Norm(layer_.feed_forward_post_norm, weights_.feed_forward_post_norm),
          layer_.block_scale, Norm(layer_.feed_forward_sum_norm, weights_.feed_forward_sum_norm)};
}

void run_feed_forward(const Pass& pass, const FeedForwardParts& parts, const kernels::Activations& x,
                      Buffer<float>& out) {
  Buffers& b = pass.workspace.buffers;
  const std::size_t stride = padded(parts.size);
  if (parts.gated) {
    const std::array<weights::Product, 2> both = {
        {{&parts.gate, b.gate.data(), stride}, {&parts.up, b.up.data(), stride}}};
    multiply(pass, x, both);
  } else {
    const std::array<weights::Product, 1> up = {{{&parts.up, b.gate.data(), stride}}};
    multiply(pass, x, up);
  }
  const std::array<weights::Product, 1> down = {{{&parts.down, out.data(), b.hidden_stride}}};
  const auto activate = [&](std::size_t m) { parts.activate(pass.k, &b.gate[m * stride], &b.up[m * stride]); };
  multiply(pass, activations(pass, b.gate, pass.rows(), parts.size, weights::formats_of(parts.down), activate), down);
}

}  // namespace pith::model
