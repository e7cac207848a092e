#include "model/attention_block.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "kv/read/attend.h"
#include "kv/write/append.h"
#include "model/divided_product.h"
#include "model/whole_attention.h"

namespace pith::model {
namespace {

float temperature(const AttentionSpec& spec, std::size_t position) {
  const std::size_t whole_steps = position / spec.temperature_floor;
  const auto steps = static_cast<double>(whole_steps);
  return static_cast<float>(1.0 + static_cast<double>(spec.temperature_scale) * std::log(1.0 + steps));
}

}  // namespace

AttentionBlock::AttentionBlock(const Pass& pass, std::size_t layer)
    : pass_(pass),
      layer_(layer),
      cache_layer_(pass.spec.cache_layer(layer)),
      spec_(pass.spec.layers[layer].attention),
      w_(pass.weights.layers[layer].attention),
      b_(pass.workspace.buffers),
      latent_(pass, spec_, w_),
      staging_(pass.workspace.stagings.of(pass.spec.cached_by(layer))),
      query_(b_.qkv.data()),
      key_(query_ + b_.query_stride),
      value_(key_ + b_.key_stride) {}

weights::FormatSet AttentionBlock::readers() const {
  if (spec_.latent.present()) return latent_.readers();
  weights::FormatSet formats = weights::formats_of(w_.query);
  if (spec_.has_keys()) formats.add(w_.key.format());
  if (spec_.has_keys() && !spec_.values_are_keys) formats.add(w_.value.format());
  return formats;
}

void AttentionBlock::make_rows(const kernels::Activations& x) const {
  if (spec_.latent.present()) {
    latent_.project(x, {query_, key_, value_, b_.qkv_stride});
  } else {
    project(x);
    for_rows(pass_.pool, pass_.rows(), [&](std::size_t m) { shape_row(m); });
  }
  if (spec_.temperature_scale == 0.0F) return;
  for_rows(pass_.pool, pass_.rows(), [&](std::size_t m) {
    pass_.k.scale(query_ + m * b_.qkv_stride, temperature(spec_, pass_.position_of(m)), spec_.query_rows());
  });
}

void AttentionBlock::project(const kernels::Activations& x) const {
  const std::array<weights::Product, 3> qkv = {
      {{&w_.query, query_, b_.qkv_stride}, {&w_.key, key_, b_.qkv_stride}, {&w_.value, value_, b_.qkv_stride}}};
  const std::size_t products = !spec_.has_keys() ? 1 : spec_.values_are_keys ? 2 : 3;
  multiply(pass_, x, std::span(qkv).first(products));
}

void AttentionBlock::norm_heads(float* heads, std::size_t count, const NormWeights& weights) const {
  const Norm norm(spec_.query_key_norm, weights);
  if (!norm.present()) return;
  if (spec_.query_key_norm_extent == NormExtent::kWhole)
    return norm.apply(pass_.k, heads, count * spec_.key_size, heads);
  const bool own = spec_.query_key_norm_extent == NormExtent::kHeads;
  for (std::size_t i = 0; i < count; ++i) {
    float* head = heads + i * spec_.key_size;
    norm.apply(pass_.k, head, spec_.key_size, head, own ? i * spec_.key_size : 0);
  }
}

void AttentionBlock::shape_heads(float* heads, std::size_t count, const NormWeights& weights, std::size_t m) const {
  norm_heads(heads, count, weights);
  for (std::size_t i = 0; i < count; ++i) pass_.workspace.ropes[spec_.rope].apply(heads + i * spec_.key_size, m);
}

void AttentionBlock::shape_row(std::size_t m) const {
  float* query = query_ + m * b_.qkv_stride;
  if (spec_.output_gate) part_queries(m);
  add_bias(pass_.k, query, w_.query_bias);
  clamp(query, spec_.query_rows());
  shape_heads(query, spec_.heads, w_.query_norm, m);
  if (spec_.has_keys()) shape_keys_and_values(m);
}

void AttentionBlock::clamp(float* row, std::size_t length) const {
  if (spec_.clamp == 0.0F) return;
  for (std::size_t i = 0; i < length; ++i) row[i] = std::clamp(row[i], -spec_.clamp, spec_.clamp);
}

void AttentionBlock::shape_keys_and_values(std::size_t m) const {
  float* key = key_ + m * b_.qkv_stride;
  float* value = value_ + m * b_.qkv_stride;
  add_bias(pass_.k, key, w_.key_bias);
  if (spec_.values_are_keys) std::copy_n(key, spec_.value_rows(), value);
  add_bias(pass_.k, value, w_.value_bias);
  clamp(key, spec_.key_rows());
  clamp(value, spec_.value_rows());
  shape_heads(key, spec_.kv_heads, w_.key_norm, m);
  const Norm norm(spec_.value_norm, w_.value_norm);
  if (!norm.present()) return;
  for (float* head = value; head != value + spec_.value_rows(); head += spec_.value_size)
    norm.apply(pass_.k, head, spec_.value_size, head);
}

void AttentionBlock::part_queries(std::size_t m) const {
  float* queries = query_ + m * b_.qkv_stride;
  float* gates = &b_.attention_gate[m * padded(spec_.output_columns())];
  const std::size_t both = spec_.key_size + spec_.value_size;
  for (std::size_t h = 0; h < spec_.heads; ++h) {
    const float* from = queries + h * both;
    std::copy_n(from + spec_.key_size, spec_.value_size, gates + h * spec_.value_size);
    // Towards the front, so what it overwrites has been read.
    std::copy_n(from, spec_.key_size, queries + h * spec_.key_size);
  }
}

void AttentionBlock::gate_row(std::size_t m) const {
  if (!spec_.output_gate) return;
  const float* gates = &b_.attention_gate[m * padded(spec_.output_columns())];
  pass_.k.sigmoid_mul(&b_.attention[m * padded(spec_.output_columns())], gates, spec_.output_columns());
}

void AttentionBlock::attend() const {
  if (spec_.both_ways) return attend_whole(pass_, spec_, {query_, key_, value_, b_.qkv_stride});
  const RowDivision& division = pass_.division;
  if (spec_.caches()) {
    kv::ProjectedRows rows = {query_, key_, value_, b_.qkv_stride, spec_.scale};
    if (division.divided()) rows = division.all_rows(spec_, layer_, rows, pass_.workspace.all_rows);
    kv::append(pass_.whole_steps, staging_, pass_.pool, cache_layer_, rows);
  }
  pass_.workspace.attention.run(
      pass_.steps, staging_, pass_.pool, cache_layer_,
      {query_, b_.qkv_stride, b_.attention.data(), padded(spec_.output_columns()), spec_.scale, spec_.softcap,
       w_.sink_logits.empty() ? nullptr : w_.sink_logits.data(), !spec_.caches(), division.divided()});
  if (spec_.caches() && !pass_.workspace.stagings.lent(layer_))
    kv::finish_append(pass_.whole_steps, staging_, cache_layer_);
}

kernels::Activations AttentionBlock::outputs() const {
  if (spec_.latent.present()) return latent_.expand();
  return activations(pass_, b_.attention, pass_.rows(), spec_.output_columns(), weights::formats_of(w_.output),
                     [&](std::size_t m) { gate_row(m); });
}

Addition AttentionBlock::run(const kernels::Activations& x) const {
  make_rows(x);
  attend();
  const std::array<weights::Product, 1> output = {{{&w_.output, b_.projected.data(), b_.hidden_stride}}};
  multiply(pass_, outputs(), output);
  const LayerSpec& layer = pass_.spec.layers[layer_];
  const LayerWeights& w = pass_.weights.layers[layer_];
  return {&b_.projected, &w_.output_bias, Norm(layer.attention_post_norm, w.attention_post_norm), layer.block_scale,
          Norm(layer.attention_sum_norm, w.attention_sum_norm)};
}

}  // namespace pith::model
