#include "model/forward.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/fail.h"
#include "model/attention_block.h"
#include "model/feed_forward_block.h"

namespace pith::model {
namespace {

/// Rows of logits computed at once when those of a whole batch are asked for, so that the weights are read once for all
/// of them.
constexpr std::size_t kLogitRows = 24;

void check_finite(std::span<const float> logits) {
  float poison = 0.0F;
  for (const float x : logits) poison += x * 0.0F;
  if (poison == 0.0F) return;
  const auto bad = std::find_if(logits.begin(), logits.end(), [](float x) { return !std::isfinite(x); });
  fail(ErrorKind::kNumeric, "logit of token {} is {}", bad - logits.begin(), *bad);
}

}  // namespace

kv::LayerShape kv_shape(const AttentionSpec& spec) {
  return {spec.heads, spec.kv_heads, spec.key_size, spec.value_size, spec.window};
}

kv::Rotary rotary(const ModelImpl& model) {
  const ModelSpec& spec = model.spec();
  return Rope(spec.ropes.front(), frequency_factors(spec.ropes.front(), model.weights()), 0).rotary();
}

Forward::Forward(const ModelImpl& model, kv::Cache& cache, ThreadPool& pool, Workspace& workspace)
    : model_(model), cache_(cache), pool_(pool), workspace_(workspace) {}

Pass Forward::pass_of(std::size_t rows, bool sparse) const {
  return {model_.spec(), model_.weights(), model_.kernels(), pool_, workspace_, cache_, rows, cache_.tokens(), sparse};
}

Pending Forward::run_layer(const Pass& pass, std::size_t layer, const Pending& before) {
  const LayerSpec& spec = pass.spec.layers[layer];
  const LayerWeights& w = pass.weights.layers[layer];
  Buffers& buffers = pass.workspace.buffers;
  const ResidualStream stream(pass);
  const AttentionBlock attention(pass, layer);
  const FeedForwardBlock feed_forward(pass, layer);
  const Norm attention_norm(spec.attention_norm, w.attention_norm);
  const Norm feed_forward_norm(spec.feed_forward_norm, w.feed_forward_norm);

  const Addition attended = attention.run(stream.normed(attention_norm, before, attention.readers()));
  if (spec.residual == Residual::kSerial) {
    const kernels::Activations x = stream.normed(feed_forward_norm, {.attention = attended}, feed_forward.readers());
    return {.feed_forward = feed_forward.run(x, buffers.projected)};
  }
  const kernels::Activations x = feed_forward_norm.present()
                                     ? stream.normed(feed_forward_norm, {}, feed_forward.readers())
                                     : stream.normed_again(feed_forward.readers());
  return {.attention = attended, .feed_forward = feed_forward.run(x, buffers.projected_beside)};
}

void Forward::run(std::span<const Token> tokens, bool sparse) {
  const Pass pass = pass_of(tokens.size(), sparse);
  for (Rope& rope : workspace_.ropes) rope.prepare(pass.position, tokens.size());
  Pending pending{.embeddings = tokens};
  for (std::size_t layer = 0; layer < pass.spec.layers.size(); ++layer) pending = run_layer(pass, layer, pending);
  ResidualStream(pass).add(pending);
  cache_.set_tokens(pass.position + tokens.size());
}

void Forward::hidden(std::size_t first, std::size_t count, const HiddenRow& on_row) {
  const ModelSpec& spec = model_.spec();
  Buffers& b = workspace_.buffers;
  const Norm norm(spec.output_norm, model_.weights().output_norm);
  for (std::size_t m = first; m < first + count; ++m) {
    float* out = &b.normed[(m - first) * b.hidden_stride];
    norm.apply(model_.kernels(), &b.residual[m * b.hidden_stride], spec.hidden_size, out);
    on_row(m, {out, spec.hidden_size});
  }
}

void Forward::logits(std::size_t first, std::size_t count, const LogitsRow& on_row) {
  const Pass pass = pass_of(count, false);
  const weights::PackedMatrix& output = pass.weights.output_matrix();
  const std::size_t stride = workspace_.buffers.vocab_stride;
  const std::size_t rows_max = std::min(count, kLogitRows);
  Buffer<float>& logits = workspace_.logits;
  if (logits.size() < rows_max * stride) logits = Buffer<float>(rows_max * stride);
  for (std::size_t done = 0; done < count; done += rows_max) {
    const std::size_t rows = std::min(rows_max, count - done);
    const kernels::Activations hidden = ResidualStream(pass).normed(
        Norm(pass.spec.output_norm, pass.weights.output_norm), first + done, rows, weights::formats_of(output));
    const std::array<weights::Product, 1> product = {{{&output, logits.data(), stride}}};
    weights::multiply(pass.k, pool_, hidden, product);
    for (std::size_t r = 0; r < rows; ++r) {
      const std::span<float> row(&logits[r * stride], pass.spec.vocab);
      if (pass.spec.logit_scale != 1.0F) pass.k.scale(row.data(), pass.spec.logit_scale, row.size());
      if (pass.spec.logit_softcap != 0.0F) {
        for (float& x : row) x = pass.spec.logit_softcap * std::tanh(x / pass.spec.logit_softcap);
      }
      check_finite(row);
      on_row(first + done + r, row);
    }
  }
}

}  // namespace pith::model
