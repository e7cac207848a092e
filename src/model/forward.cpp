#include "model/forward.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/fail.h"

namespace pith::model {
namespace {

/// Rows per task of per-token work.
constexpr std::size_t kRowsPerTask = 8;
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

kv::KvShape kv_shape(const Hparams& hparams) {
  return {hparams.heads, hparams.kv_heads, hparams.key_size, hparams.value_size, hparams.windows};
}

kv::Rotary rotary(const ModelImpl& model) {
  return Rope(model.hparams().rope, model.weights().rope_frequency_factors, 0).rotary();
}

Forward::Forward(const ModelImpl& model, kv::Cache& cache, ThreadPool& pool, Workspace& workspace)
    : model_(model),
      h_(model.hparams()),
      k_(model.kernels()),
      cache_(cache),
      pool_(pool),
      buffers_(workspace.buffers),
      rope_(workspace.rope),
      local_rope_(workspace.local_rope),
      staging_(workspace.staging),
      attention_(workspace.attention),
      logits_(workspace.logits) {}

void Forward::add_bias(float* row, const Vector& bias) const {
  if (!bias.empty()) k_.add(row, bias.data(), bias.size());
}

template <typename Row>
void Forward::for_rows(std::size_t rows, const Row& row) {
  pool_.run((rows + kRowsPerTask - 1) / kRowsPerTask, [&](std::size_t task) {
    for (std::size_t m = task * kRowsPerTask; m < std::min(rows, (task + 1) * kRowsPerTask); ++m) row(m);
  });
}

template <typename MakeRow>
kernels::Activations Forward::activations(const Buffer<float>& x, std::size_t rows, std::size_t columns,
                                          weights::FormatSet readers, const MakeRow& make_row) {
  return buffers_.quantized.quantize(k_, pool_, x.data(), rows, columns, padded(columns), readers, make_row);
}

template <typename Update>
kernels::Activations Forward::normed(const Vector& weight, std::size_t first, std::size_t rows,
                                     weights::FormatSet readers, const Update& update) {
  return activations(buffers_.normed, rows, h_.embedding, readers, [&](std::size_t m) {
    update(first + m);
    k_.rms_norm(&buffers_.residual[(first + m) * buffers_.embedding_stride], weight.data(), h_.embedding, h_.norm_eps,
                &buffers_.normed[m * buffers_.embedding_stride]);
  });
}

void Forward::run(std::span<const Token> tokens, bool sparse) {
  const std::size_t position = cache_.tokens();
  rope_.prepare(position, tokens.size());
  if (h_.sliding_window != 0) local_rope_.prepare(position, tokens.size());
  for (std::size_t layer = 0; layer < h_.layers; ++layer) {
    attention_block(layer, tokens, sparse);
    feed_forward_block(model_.weights().layers[layer], tokens.size());
  }
  const LayerWeights& last = model_.weights().layers.back();
  for_rows(tokens.size(), [&](std::size_t m) { add_projected(last.down_bias, last.feed_forward_post_norm, m); });
  cache_.set_tokens(position + tokens.size());
}

void Forward::embed(Token token, std::size_t m) {
  float* row = &buffers_.residual[m * buffers_.embedding_stride];
  model_.weights().embedding.row(static_cast<std::size_t>(token), {row, h_.embedding});
  if (h_.embedding_scale != 1.0F) k_.scale(row, h_.embedding_scale, h_.embedding);
}

void Forward::add_projected(const Vector& bias, const Vector& post_norm, std::size_t m) {
  float* projected = &buffers_.projected[m * buffers_.embedding_stride];
  add_bias(projected, bias);
  if (!post_norm.empty()) k_.rms_norm(projected, post_norm.data(), h_.embedding, h_.norm_eps, projected);
  k_.add(&buffers_.residual[m * buffers_.embedding_stride], projected, h_.embedding);
}

/// Applies biases, query and key norms, and RoPE to the rows of qkv.
void Forward::shape_qkv(std::size_t layer, std::size_t tokens) {
  const LayerWeights& w = model_.weights().layers[layer];
  const Rope& rope = h_.windows[layer] != 0 ? local_rope_ : rope_;
  const auto shape_heads = [&](float* head, std::size_t count, const Vector& norm, std::size_t m) {
    for (std::size_t i = 0; i < count; ++i, head += h_.key_size) {
      if (!norm.empty()) k_.rms_norm(head, norm.data(), h_.key_size, h_.norm_eps, head);
      rope.apply(head, m);
    }
  };
  for_rows(tokens, [&](std::size_t m) {
    float* query = &buffers_.qkv[m * buffers_.qkv_stride];
    float* key = query + buffers_.query_stride;
    float* value = key + buffers_.key_stride;
    add_bias(query, w.query_bias);
    add_bias(key, w.key_bias);
    add_bias(value, w.value_bias);
    shape_heads(query, h_.heads, w.query_norm, m);
    shape_heads(key, h_.kv_heads, w.key_norm, m);
  });
}

void Forward::attention_block(std::size_t layer, std::span<const Token> tokens, bool sparse) {
  const LayerWeights& w = model_.weights().layers[layer];
  Buffers& b = buffers_;
  // Rows come from the embedding in the first layer, and from the previous layer in all others.
  const kernels::Activations x =
      normed(w.attention_norm, 0, tokens.size(), weights::formats_of(w.query, w.key, w.value), [&](std::size_t m) {
        if (layer == 0) return embed(tokens[m], m);
        const LayerWeights& before = model_.weights().layers[layer - 1];
        add_projected(before.down_bias, before.feed_forward_post_norm, m);
      });
  float* query = b.qkv.data();
  float* key = query + b.query_stride;
  float* value = key + b.key_stride;
  const std::array<weights::Product, 3> qkv = {
      {{&w.query, query, b.qkv_stride}, {&w.key, key, b.qkv_stride}, {&w.value, value, b.qkv_stride}}};
  weights::multiply(k_, pool_, x, qkv);
  shape_qkv(layer, tokens.size());

  const std::size_t position = cache_.tokens();
  kv::append(cache_, staging_, pool_, layer,
             {query, key, value, b.qkv_stride, tokens.size(), position, h_.attention_scale});
  attention_.run(cache_, staging_, pool_, layer,
                 {query, b.qkv_stride, b.attention.data(), b.attention_stride, tokens.size(), position,
                  h_.attention_scale, sparse});
  kv::finish_append(cache_, staging_, layer, position + tokens.size());

  const std::array<weights::Product, 1> output = {{{&w.attention_output, b.projected.data(), b.embedding_stride}}};
  weights::multiply(k_, pool_,
                    activations(b.attention, tokens.size(), h_.heads * h_.value_size,
                                weights::formats_of(w.attention_output), [](std::size_t) {}),
                    output);
}

void Forward::feed_forward_block(const LayerWeights& w, std::size_t tokens) {
  Buffers& b = buffers_;
  const kernels::Activations x =
      normed(w.feed_forward_norm, 0, tokens, weights::formats_of(w.gate, w.up),
             [&](std::size_t m) { add_projected(w.attention_output_bias, w.attention_post_norm, m); });
  const std::array<weights::Product, 2> both = {
      {{&w.gate, b.gate.data(), b.feed_forward_stride}, {&w.up, b.up.data(), b.feed_forward_stride}}};
  weights::multiply(k_, pool_, x, both);
  const auto activate = [&](std::size_t m) {
    float* gate = &b.gate[m * b.feed_forward_stride];
    float* up = &b.up[m * b.feed_forward_stride];
    add_bias(gate, w.gate_bias);
    add_bias(up, w.up_bias);
    (h_.activation == Activation::kSilu ? k_.silu_mul : k_.gelu_mul)(gate, up, h_.feed_forward);
  };
  const std::array<weights::Product, 1> down = {{{&w.down, b.projected.data(), b.embedding_stride}}};
  weights::multiply(k_, pool_, activations(b.gate, tokens, h_.feed_forward, weights::formats_of(w.down), activate),
                    down);
}

void Forward::hidden(std::size_t first, std::size_t count, const HiddenRow& on_row) {
  const std::size_t stride = buffers_.embedding_stride;
  for (std::size_t m = first; m < first + count; ++m) {
    float* out = &buffers_.normed[(m - first) * stride];
    k_.rms_norm(&buffers_.residual[m * stride], model_.weights().output_norm.data(), h_.embedding, h_.norm_eps, out);
    on_row(m, {out, h_.embedding});
  }
}

void Forward::logits(std::size_t first, std::size_t count, const LogitsRow& on_row) {
  Buffers& b = buffers_;
  const weights::PackedMatrix& output = model_.weights().output_matrix();
  const std::size_t rows_max = std::min(count, kLogitRows);
  if (logits_.size() < rows_max * b.vocab_stride) logits_ = Buffer<float>(rows_max * b.vocab_stride);
  for (std::size_t done = 0; done < count; done += rows_max) {
    const std::size_t rows = std::min(rows_max, count - done);
    const kernels::Activations hidden =
        normed(model_.weights().output_norm, first + done, rows, weights::formats_of(output), [](std::size_t) {});
    const std::array<weights::Product, 1> product = {{{&output, logits_.data(), b.vocab_stride}}};
    weights::multiply(k_, pool_, hidden, product);
    for (std::size_t r = 0; r < rows; ++r) {
      const std::span<float> row(&logits_[r * b.vocab_stride], h_.vocab);
      if (h_.logit_softcap != 0.0F) {
        for (float& x : row) x = h_.logit_softcap * std::tanh(x / h_.logit_softcap);
      }
      check_finite(row);
      on_row(first + done + r, row);
    }
  }
}

}  // namespace pith::model
