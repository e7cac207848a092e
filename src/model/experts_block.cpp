#include "model/experts_block.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "model/divided_product.h"
#include "model/feed_forward_block.h"
#include "model/feed_forward_parts.h"
#include "model/router.h"

namespace pith::model {
namespace {

using weights::GroupProduct;
using weights::RowGroup;

/// Returns sigmoid(gate * x). The sum runs in order and in double, so that every machine gets the same bits.
float gate_of(const Vector& gate, const float* x) {
  double sum = 0.0;
  for (std::size_t i = 0; i < gate.size(); ++i) sum += static_cast<double>(gate[i]) * static_cast<double>(x[i]);
  return static_cast<float>(1.0 / (1.0 + std::exp(-sum)));
}

}  // namespace

ExpertsBlock::ExpertsBlock(const Pass& pass, const FeedForwardSpec& spec, const ExpertsWeights& weights)
    : pass_(pass), spec_(spec), w_(weights), b_(pass.workspace.buffers.experts) {}

weights::FormatSet ExpertsBlock::readers() const {
  weights::FormatSet readers = apart() ? weights::FormatSet() : weights::formats_of(w_.router);
  const std::size_t shared_size = spec_.experts.shared_size;
  if (shared_size != 0) readers.add(FeedForwardParts::of(spec_, w_.shared, shared_size).readers());
  return readers;
}

void ExpertsBlock::route(const kernels::Activations& x) const {
  const ExpertsSpec& experts = spec_.experts;
  const std::array<weights::Product, 1> router = {{{&w_.router, b_.router.data(), b_.router_stride}}};
  multiply(pass_, x, router);
  for_rows(pass_.pool, pass_.rows(), [&](std::size_t m) {
    const std::size_t first = m * experts.used;
    choose_experts(experts, w_, {&b_.router[m * b_.router_stride], experts.count},
                   {{&b_.chosen[first], experts.used}, {&b_.shares[first], experts.used}});
  });
}

void ExpertsBlock::begin(const kernels::Activations& x, Buffer<float>& out) const {
  const std::size_t stride = pass_.workspace.buffers.hidden_stride;
  const std::size_t length = pass_.spec.hidden_size;
  if (spec_.experts.shared_size == 0) {
    std::fill_n(out.data(), pass_.rows() * stride, 0.0F);
    return;
  }
  run_feed_forward(pass_, FeedForwardParts::of(spec_, w_.shared, spec_.experts.shared_size), x, out);
  for_rows(pass_.pool, pass_.rows(), [&](std::size_t m) {
    add_bias(pass_.k, &out[m * stride], w_.shared.down_bias);
    if (spec_.experts.shared_gate)
      pass_.k.scale(&out[m * stride], gate_of(w_.shared_gate, x.values + m * x.stride), length);
  });
}

kernels::Activations ExpertsBlock::router_input() const {
  const Buffers& b = pass_.workspace.buffers;
  const Norm norm(spec_.experts.router_norm, w_.router_norm);
  return activations(pass_, b_.apart, pass_.rows(), pass_.spec.hidden_size, weights::formats_of(w_.router),
                     [&](std::size_t m) {
                       const std::size_t at = m * b.hidden_stride;
                       norm.apply(pass_.k, &b.residual[at], pass_.spec.hidden_size, &b_.apart[at]);
                     });
}

void ExpertsBlock::gather(const kernels::Activations& x, std::size_t m, float* row) const {
  if (!apart()) {
    std::copy_n(x.values + m * x.stride, pass_.spec.hidden_size, row);
    return;
  }
  const Buffers& b = pass_.workspace.buffers;
  Norm(spec_.experts.input_norm, w_.input_norm)
      .apply(pass_.k, &b.residual[m * b.hidden_stride], pass_.spec.hidden_size, row);
}

void ExpertsBlock::join(Buffer<float>& out) const {
  const Norm norm(spec_.experts.output_norm, w_.output_norm);
  const Norm shared_norm(spec_.experts.shared_output_norm, w_.shared_output_norm);
  const std::size_t length = pass_.spec.hidden_size;
  for_rows(pass_.pool, pass_.rows(), [&](std::size_t m) {
    float* shared = &out[m * pass_.workspace.buffers.hidden_stride];
    float* sum = &b_.apart[m * pass_.workspace.buffers.hidden_stride];
    shared_norm.apply(pass_.k, shared, length, shared);
    norm.apply(pass_.k, sum, length, sum);
    pass_.k.add(shared, sum, length);
  });
}

std::vector<std::vector<std::uint32_t>> ExpertsBlock::tokens_by_expert() const {
  std::vector<std::vector<std::uint32_t>> tokens(spec_.experts.count);
  for (std::size_t i = 0; i < pass_.rows() * spec_.experts.used; ++i) {
    std::vector<std::uint32_t>& of_expert = tokens[b_.chosen[i]];
    b_.places[i] = static_cast<std::uint32_t>(of_expert.size());
    of_expert.push_back(static_cast<std::uint32_t>(i / spec_.experts.used));
  }
  return tokens;
}

void ExpertsBlock::run(const kernels::Activations& x, Buffer<float>& out) const {
  Buffer<float>& sum = apart() ? b_.apart : out;
  if (apart()) {
    begin(x, out);
    route(router_input());
    std::fill_n(sum.data(), pass_.rows() * pass_.workspace.buffers.hidden_stride, 0.0F);
  } else {
    route(x);
    begin(x, out);
  }
  const std::vector<std::vector<std::uint32_t>> tokens = tokens_by_expert();
  std::vector<Group> groups;
  std::size_t rows = 0;
  for (std::size_t expert = 0; expert < tokens.size(); ++expert) {
    const std::size_t count = tokens[expert].size();
    if (count == 0) continue;
    const std::size_t room = kernels::row_tiles(count) * kernels::kTileRows;
    if (rows + room > b_.rows) {
      run_groups(x, tokens, groups, sum);
      groups.clear();
      rows = 0;
    }
    groups.push_back({expert, {rows, count}});
    rows += room;
  }
  run_groups(x, tokens, groups, sum);
  if (apart()) join(out);
}

void ExpertsBlock::run_groups(const kernels::Activations& x, const std::vector<std::vector<std::uint32_t>>& tokens,
                              const std::vector<Group>& groups, Buffer<float>& out) const {
  const std::size_t hidden = pass_.workspace.buffers.hidden_stride;
  const std::size_t size = padded(spec_.size);
  const auto parts_of = [&](const Group& g) { return FeedForwardParts::of(spec_, w_.each[g.expert], spec_.size); };
  std::vector<RowGroup> rows;
  std::vector<GroupProduct> products;
  weights::FormatSet first_readers;
  weights::FormatSet last_readers;
  rows.reserve(groups.size());
  for (const Group& group : groups) {
    rows.push_back(group.rows);
    first_readers.add(parts_of(group).readers());
    last_readers.add(w_.each[group.expert].down.format());
  }

  const kernels::Activations gathered =
      b_.quantized.quantize_groups(pass_.k, pass_.pool, b_.hidden.data(), rows, pass_.spec.hidden_size, hidden,
                                   first_readers, [&](std::size_t g, std::size_t m) {
                                     gather(x, tokens[groups[g].expert][m], &b_.hidden[(rows[g].first + m) * hidden]);
                                   });
  products.reserve(2 * groups.size());
  for (const Group& group : groups) {
    const FeedForwardParts parts = parts_of(group);
    const kernels::Activations view = rows_of(gathered, group.rows);
    const std::size_t at = group.rows.first * size;
    if (parts.gated) products.push_back({view, {&parts.gate, &b_.gate[at], size}});
    products.push_back({view, {&parts.up, parts.gated ? &b_.up[at] : &b_.gate[at], size}});
  }
  weights::multiply(pass_.k, pass_.pool, products);

  const kernels::Activations activated = b_.quantized.quantize_groups(
      pass_.k, pass_.pool, b_.gate.data(), rows, spec_.size, size, last_readers, [&](std::size_t g, std::size_t m) {
        const std::size_t at = (rows[g].first + m) * size;
        parts_of(groups[g]).activate(pass_.k, &b_.gate[at], &b_.up[at]);
      });
  products.clear();
  for (const Group& group : groups) {
    products.push_back(
        {rows_of(activated, group.rows), {&w_.each[group.expert].down, &b_.hidden[group.rows.first * hidden], hidden}});
  }
  weights::multiply(pass_.k, pass_.pool, products);
  add_up(groups, out);
}

void ExpertsBlock::add_up(const std::vector<Group>& groups, Buffer<float>& out) const {
  const std::size_t stride = pass_.workspace.buffers.hidden_stride;
  const std::size_t used = spec_.experts.used;
  const auto by_expert = [](const Group& group, std::size_t expert) { return group.expert < expert; };
  for_rows(pass_.pool, pass_.rows(), [&](std::size_t m) {
    for (std::size_t i = m * used; i < (m + 1) * used; ++i) {
      const auto group = std::lower_bound(groups.begin(), groups.end(), b_.chosen[i], by_expert);
      if (group == groups.end() || group->expert != b_.chosen[i]) continue;
      float* row = &b_.hidden[(group->rows.first + b_.places[i]) * stride];
      add_bias(pass_.k, row, w_.each[group->expert].down_bias);
      pass_.k.scale(row, b_.shares[i], pass_.spec.hidden_size);
      pass_.k.add(&out[m * stride], row, pass_.spec.hidden_size);
    }
  });
}

}  // namespace pith::model
