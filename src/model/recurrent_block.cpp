#include "model/recurrent_block.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "model/divided_product.h"

namespace pith::model {
namespace {

using kernels::kLanes;

/// Floats of the state that the convolution of 16 channels looks back on.
std::size_t history_floats(const RecurrentSpec& spec) { return (spec.taps - 1) * kLanes; }

std::size_t channel_blocks(const RecurrentSpec& spec) { return padded(spec.channels()) / kLanes; }

float softplus(float x) {
  // Beyond, 1 is lost in float.
  constexpr float kLinear = 20.0F;
  return x > kLinear ? x : std::log1p(std::exp(x));
}

float sigmoid(float x) { return 1.0F / (1.0F + std::exp(-x)); }

/// Copies a part of a state to where it goes on.
void take_over(const float* before, std::size_t first, std::size_t floats, float* after) {
  if (before == nullptr) {
    std::fill_n(after + first, floats, 0.0F);
  } else {
    std::copy_n(before + first, floats, after + first);
  }
}

}  // namespace

std::size_t state_floats(const RecurrentSpec& spec) {
  const std::size_t matrices = spec.kind == Recurrence::kShortConvolution ? 0 : spec.inner() * spec.key_size;
  return channel_blocks(spec) * history_floats(spec) + matrices;
}

RecurrentBlock::RecurrentBlock(const Pass& pass, std::size_t layer)
    : pass_(pass),
      layer_(pass.spec.layers[layer]),
      layer_weights_(pass.weights.layers[layer]),
      spec_(layer_.recurrent),
      w_(layer_weights_.recurrent),
      b_(pass.workspace.buffers.recurrent),
      state_layer_(pass.spec.state_layer(layer)),
      channels_stride_(padded(spec_.channels())),
      inner_stride_(padded(spec_.inner())),
      beside_stride_(padded(beside_size(spec_))),
      rates_stride_(padded(2 * spec_.heads)) {}

weights::FormatSet RecurrentBlock::readers() const {
  return w_.writing.empty() ? weights::formats_of(w_.channels, w_.gate, w_.beside)
                            : weights::formats_of(w_.channels, w_.gate, w_.beside, w_.writing);
}

void RecurrentBlock::project(const kernels::Activations& x) const {
  const std::array<weights::Product, 4> products = {{{&w_.channels, b_.channels.data(), channels_stride_},
                                                     {&w_.gate, b_.gate.data(), inner_stride_},
                                                     {&w_.beside, b_.beside.data(), beside_stride_},
                                                     {&w_.writing, b_.writing.data(), rates_stride_}}};
  multiply(pass_, x, std::span(products).first(w_.writing.empty() ? 3 : 4));
}

RecurrentBlock::Sequence RecurrentBlock::sequence(std::size_t step) const {
  const kv::Step& s = pass_.steps[step];
  return {s.row, s.tokens, s.cache->states().data(state_layer_), pass_.workspace.states.next(step, state_layer_)};
}

void RecurrentBlock::convolve(const Sequence& sequence, std::size_t block) const {
  const std::size_t history = history_floats(spec_);
  take_over(sequence.before, block * history, history, sequence.after);
  const float* bias = w_.convolution_bias.empty() ? nullptr : &w_.convolution_bias[block * kLanes];
  const bool activate = spec_.kind != Recurrence::kShortConvolution;
  pass_.k.convolve({&w_.convolution[block * spec_.taps * kLanes], bias, spec_.taps, activate},
                   sequence.after + block * history,
                   {&b_.channels[sequence.row * channels_stride_ + block * kLanes], sequence.tokens, channels_stride_});
}

void RecurrentBlock::convolve() const {
  const std::size_t blocks = channel_blocks(spec_);
  pass_.pool.run(pass_.steps.size() * blocks,
                 [&](std::size_t task) { convolve(sequence(task / blocks), task % blocks); });
}

void RecurrentBlock::shape_rates(float* rates) const {
  const std::size_t heads = spec_.heads;
  float* decay = rates;
  float* share = rates + heads;
  for (std::size_t h = 0; h < heads; ++h) {
    const float step = softplus(decay[h] + w_.decay_bias[h]);
    decay[h] = std::exp(step * w_.decay[h]);
    share[h] = spec_.kind == Recurrence::kDeltaRule ? sigmoid(share[h]) : step;
  }
}

void RecurrentBlock::shape_row(std::size_t m, std::span<const float> key_scale,
                               std::span<const float> query_scale) const {
  const float* beside = &b_.beside[m * beside_stride_];
  float* rates = &b_.rates[m * rates_stride_];
  const std::size_t heads = spec_.heads;
  if (spec_.fused_rates) {
    // By key head: the rates of writing of its value heads, then those of decay.
    const std::size_t group = heads / spec_.key_heads;
    for (std::size_t h = 0; h < heads; ++h) {
      const std::size_t at = h / group * 2 * group + h % group;
      rates[heads + h] = beside[at];
      rates[h] = beside[at + group];
    }
  } else {
    std::copy_n(beside, heads, rates);
    if (!w_.writing.empty()) std::copy_n(&b_.writing[m * rates_stride_], heads, rates + heads);
  }
  shape_rates(rates);
  if (spec_.kind != Recurrence::kDeltaRule) return;
  // x / sqrt(sum(x^2) + epsilon), as an RMS norm.
  const std::size_t size = spec_.key_size;
  const float epsilon = spec_.norm.epsilon / static_cast<float>(size);
  float* query = &b_.channels[m * channels_stride_];
  float* key = query + spec_.keys();
  for (std::size_t i = 0; i < spec_.keys(); i += size) {
    pass_.k.rms_norm(query + i, query_scale.data(), size, epsilon, query + i);
    pass_.k.rms_norm(key + i, key_scale.data(), size, epsilon, key + i);
  }
}

void RecurrentBlock::recur(const Sequence& sequence, std::size_t head, std::size_t block) const {
  const std::size_t keys = spec_.key_size;
  const std::size_t blocks = spec_.value_size / kLanes;
  const std::size_t first = channel_blocks(spec_) * history_floats(spec_) + (head * blocks + block) * keys * kLanes;
  take_over(sequence.before, first, keys * kLanes, sequence.after);
  const bool cyclic = spec_.reads == KeyHeads::kCyclic;
  const std::size_t key_head = cyclic ? head % spec_.key_heads : head / (spec_.heads / spec_.key_heads);
  const float* channels = &b_.channels[sequence.row * channels_stride_];
  const float* rates = &b_.rates[sequence.row * rates_stride_];
  const std::size_t value = head * spec_.value_size + block * kLanes;
  const bool delta = spec_.kind == Recurrence::kDeltaRule;
  kernels::StateRows rows;
  rows.tokens = sequence.tokens;
  rows.keys = keys;
  // The delta rule's channels are queries, keys and values; a state space's are values, keys and queries.
  rows.query = channels + (delta ? 0 : spec_.inner() + spec_.keys()) + key_head * keys;
  rows.key = channels + (delta ? spec_.keys() : spec_.inner()) + key_head * keys;
  rows.value = channels + (delta ? 2 * spec_.keys() : 0) + value;
  rows.stride = channels_stride_;
  rows.decay = rates + head;
  rows.share = rates + spec_.heads + head;
  rows.rate_stride = rates_stride_;
  rows.skip = delta ? 0.0F : w_.skip[head];
  rows.out = &b_.out[sequence.row * inner_stride_ + value];
  rows.out_stride = inner_stride_;
  (delta ? pass_.k.delta_rule : pass_.k.state_space)(rows, sequence.after + first);
}

void RecurrentBlock::recur() const {
  const std::size_t blocks = spec_.value_size / kLanes;
  const std::size_t tasks = spec_.heads * blocks;
  pass_.pool.run(pass_.steps.size() * tasks, [&](std::size_t task) {
    const std::size_t part = task % tasks;
    recur(sequence(task / tasks), part / blocks, part % blocks);
  });
}

void RecurrentBlock::gate_row(std::size_t m) const {
  float* gate = &b_.gate[m * inner_stride_];
  const std::size_t inner = spec_.inner();
  if (spec_.kind == Recurrence::kShortConvolution) {
    const float* channels = &b_.channels[m * channels_stride_];
    for (std::size_t i = 0; i < inner; ++i) gate[i] *= channels[i];
    return;
  }
  float* out = &b_.out[m * inner_stride_];
  const Norm norm(spec_.norm, w_.norm);
  if (spec_.kind == Recurrence::kDeltaRule) {
    for (std::size_t i = 0; i < inner; i += spec_.value_size) norm.apply(pass_.k, out + i, spec_.value_size, out + i);
    pass_.k.silu_mul(gate, out, inner);
    return;
  }
  pass_.k.silu_mul(gate, out, inner);
  const std::size_t group = inner / spec_.key_heads;
  for (std::size_t i = 0; i < inner; i += group) norm.apply(pass_.k, gate + i, group, gate + i, i);
}

Addition RecurrentBlock::run(const kernels::Activations& x) const {
  project(x);
  if (spec_.kind == Recurrence::kShortConvolution) {
    for_rows(pass_.pool, pass_.rows(), [&](std::size_t m) {
      float* channels = &b_.channels[m * channels_stride_];
      const float* beside = &b_.beside[m * beside_stride_];
      for (std::size_t i = 0; i < spec_.inner(); ++i) channels[i] *= beside[i];
    });
    convolve();
  } else {
    convolve();
    const float unit = 1.0F / std::sqrt(static_cast<float>(spec_.key_size));
    const Vector key_scale(spec_.key_size, unit);
    const Vector query_scale(spec_.key_size, unit * unit);
    for_rows(pass_.pool, pass_.rows(), [&](std::size_t m) { shape_row(m, key_scale, query_scale); });
    recur();
  }
  Buffers& buffers = pass_.workspace.buffers;
  const std::array<weights::Product, 1> output = {{{&w_.output, buffers.projected.data(), buffers.hidden_stride}}};
  multiply(pass_,
           activations(pass_, b_.gate, pass_.rows(), spec_.inner(), weights::formats_of(w_.output),
                       [&](std::size_t m) { gate_row(m); }),
           output);
  return {&buffers.projected, nullptr, Norm(layer_.attention_post_norm, layer_weights_.attention_post_norm),
          layer_.block_scale};
}

}  // namespace pith::model
