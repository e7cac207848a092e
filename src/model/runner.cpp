#include "model/runner.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "model/divided_product.h"
#include "model/forward.h"
#include "model/residual_stream.h"
#include "model/same_on_ranks.h"

namespace pith::model {
namespace {

/// Rows of logits computed at once when those of a whole pass are asked for, so that the weights are read once for all
/// of them.
constexpr std::size_t kLogitRows = 24;

}  // namespace

Runner::Runner(const ModelImpl& model, ThreadPool& pool, const kv::ScratchLayout& layout, std::size_t rows,
               std::size_t rows_max)
    : model_(model), pool_(pool), lease_(model.workspaces().take(model, layout, rows, rows_max, pool.size())) {}

Pass Runner::pass() const {
  return {model_.spec(), model_.weights(), model_.kernels(), pool_,  *lease_,
          steps_,        tokens_,          division_,        steps_, model_.ranks().get()};
}

void Runner::run(std::span<const Step> steps) {
  steps_.clear();
  tokens_.clear();
  for (const Step& step : steps) {
    steps_.push_back({step.cache, tokens_.size(), step.tokens.size(), step.cache->tokens(), step.sparse});
    tokens_.insert(tokens_.end(), step.tokens.begin(), step.tokens.end());
  }
  Ranks* const ranks = model_.ranks().get();
  if (ranks != nullptr) check_same(*ranks, std::as_bytes(std::span(tokens_)), "feeds other tokens");
  division_ = RowDivision(ranks, steps_);
  Pass whole = pass();
  if (!division_.divided()) return forward(whole);
  own_step_ = division_.own_step();
  whole.steps = std::span(&own_step_, 1);
  whole.tokens = whole.tokens.subspan(division_.own_first(), own_step_.tokens);
  forward(whole);
  const Buffers& b = (*lease_).buffers;
  division_.all_hidden((*lease_).buffers.residual.data(), model_.spec().hidden_size, b.hidden_stride);
}

void Runner::hidden(std::size_t first, std::size_t count, const HiddenRow& on_row) {
  const ModelSpec& spec = model_.spec();
  Buffers& b = (*lease_).buffers;
  const Norm norm(spec.output_norm, model_.weights().output_norm);
  for (std::size_t m = first; m < first + count; ++m) {
    float* out = &b.normed[(m - first) * b.hidden_stride];
    norm.apply(model_.kernels(), &b.residual[m * b.hidden_stride], spec.hidden_size, out);
    on_row(m, {out, spec.hidden_size});
  }
}

void Runner::logits(std::span<const std::size_t> rows, const LogitsRow& on_row) {
  const Pass pass = this->pass();
  const weights::PackedMatrix& output = pass.weights.output_matrix();
  const std::size_t stride = pass.workspace.buffers.vocab_stride;
  const std::size_t at_once = std::min(rows.size(), kLogitRows);
  Buffer<float>& logits = pass.workspace.logits;
  if (logits.size() < at_once * stride) logits = Buffer<float>(at_once * stride);
  while (!rows.empty()) {
    const std::span<const std::size_t> some = rows.first(std::min(at_once, rows.size()));
    rows = rows.subspan(some.size());
    const kernels::Activations hidden = ResidualStream(pass).normed(
        Norm(pass.spec.output_norm, pass.weights.output_norm), some, weights::formats_of(output));
    const std::array<weights::Product, 1> product = {{{&output, logits.data(), stride}}};
    multiply(pass, hidden, product);
    for (std::size_t r = 0; r < some.size(); ++r) {
      const std::span<float> row(&logits[r * stride], pass.spec.vocab);
      add_bias(pass.k, row.data(), pass.weights.output_bias);
      if (pass.spec.logit_scale != 1.0F) pass.k.scale(row.data(), pass.spec.logit_scale, row.size());
      if (pass.spec.logit_softcap != 0.0F) {
        for (float& x : row) x = pass.spec.logit_softcap * std::tanh(x / pass.spec.logit_softcap);
      }
      on_row(some[r], row);
    }
  }
}

}  // namespace pith::model
