#include "model/bind.h"

#include <cmath>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/fail.h"
#include "model/bind_latent.h"
#include "model/bind_recurrent.h"
#include "model/binder.h"
#include "model/tensor_names.h"

namespace pith::model {
namespace {

constexpr const char* kFrequencyFactors = "rope_freqs.weight";
constexpr const char* kShortFactors = "rope_factors_short.weight";
constexpr const char* kLongFactors = "rope_factors_long.weight";
constexpr float kFactorMin = 1e-6F;
/// Files stop pairs from rotating by a factor of 1e30 (Gemma 4).
constexpr float kFactorMax = 1e30F;

void bind_query_key_norms(Binder& binder, const AttentionSpec& spec, std::size_t layer, AttentionWeights& w) {
  const auto norm = [&](const char* part, std::size_t heads) {
    const bool whole = spec.query_key_norm_extent == NormExtent::kWhole;
    const bool own = spec.query_key_norm_extent == NormExtent::kHeads;
    return binder.norm(spec.query_key_norm, layer_tensor(layer, part), whole ? heads * spec.key_size : spec.key_size,
                       own ? heads : 1);
  };
  w.query_norm = norm("attn_q_norm", spec.heads);
  if (spec.has_keys()) w.key_norm = norm("attn_k_norm", spec.kv_heads);
}

/// Binds what a layer reads that has no keys and values of its own. Its file may have matrices for them all the same.
void bind_query_alone(Binder& binder, const AttentionSpec& spec, std::size_t hidden_size, std::size_t layer,
                      AttentionWeights& w) {
  w.query = binder.matrix(layer_tensor(layer, "attn_q.weight"), spec.query_matrix_rows(), hidden_size);
  w.query_bias = binder.vector_if(spec.query_bias, layer_tensor(layer, "attn_q.bias"), spec.query_rows());
  for (const char* part : {"attn_k.weight", "attn_v.weight", "attn_k.bias", "attn_v.bias", "attn_k_norm.weight"})
    binder.ignore(layer_tensor(layer, part));
}

AttentionWeights bind_attention(Binder& binder, const AttentionSpec& spec, std::size_t hidden_size, std::size_t layer) {
  const auto name = [&](const char* part) { return layer_tensor(layer, part); };
  if (spec.latent.present()) return bind_latent(binder, spec, hidden_size, layer);
  AttentionWeights w;
  if (spec.fused) {
    std::vector<weights::PackedMatrix> parts =
        binder.slices(name("attn_qkv.weight"), {spec.query_rows(), spec.key_rows(), spec.value_rows()}, hidden_size);
    w.query = std::move(parts[0]);
    w.key = std::move(parts[1]);
    w.value = std::move(parts[2]);
    if (spec.query_bias) {
      const std::size_t values_from = spec.query_rows() + spec.key_rows();
      const Vector all = binder.vector(name("attn_qkv.bias"), values_from + spec.value_rows());
      const auto at = [&](std::size_t row) { return all.begin() + static_cast<std::ptrdiff_t>(row); };
      w.query_bias.assign(at(0), at(spec.query_rows()));
      w.key_bias.assign(at(spec.query_rows()), at(values_from));
      w.value_bias.assign(at(values_from), all.end());
    }
  } else if (!spec.has_keys()) {
    bind_query_alone(binder, spec, hidden_size, layer, w);
  } else {
    w.query = binder.matrix(name("attn_q.weight"), spec.query_matrix_rows(), hidden_size);
    w.key = binder.matrix(name("attn_k.weight"), spec.key_rows(), hidden_size);
    if (!spec.values_are_keys) w.value = binder.matrix(name("attn_v.weight"), spec.value_rows(), hidden_size);
    w.query_bias = binder.vector_if(spec.query_bias, name("attn_q.bias"), spec.query_rows());
    w.key_bias = binder.vector_if(spec.key_bias, name("attn_k.bias"), spec.key_rows());
    w.value_bias = binder.vector_if(spec.value_bias, name("attn_v.bias"), spec.value_rows());
  }
  bind_query_key_norms(binder, spec, layer, w);
  w.value_norm = binder.norm(spec.value_norm, name("attn_v_norm"), spec.value_size);
  w.sink_logits = binder.vector_if(spec.sink_logits, name("attn_sinks.weight"), spec.heads);
  w.output = binder.matrix(name("attn_output.weight"), hidden_size, spec.output_columns());
  w.output_bias = binder.vector_if(spec.output_bias, name("attn_output.bias"), hidden_size);
  return w;
}

/// Binds one network, whose tensors are called ffn_gate, ffn_up and ffn_down with `ending` behind.
template <typename Weights>
void bind_network(Binder& binder, const FeedForwardSpec& spec, std::size_t size, std::size_t hidden_size,
                  std::size_t layer, const std::string& ending, Weights& w) {
  const auto name = [&](const char* part) { return layer_tensor(layer, part + ending + ".weight"); };
  if (spec.fused) {
    std::vector<weights::PackedMatrix> parts = binder.slices(name("ffn_up"), {size, size}, hidden_size);
    w.gate = std::move(parts[0]);
    w.up = std::move(parts[1]);
  } else {
    if (spec.gated) w.gate = binder.matrix(name("ffn_gate"), size, hidden_size);
    w.up = binder.matrix(name("ffn_up"), size, hidden_size);
  }
  w.down = binder.matrix(name("ffn_down"), hidden_size, size);
}

/// Binds the experts, each tensor of which holds those of all.
void bind_each(Binder& binder, const FeedForwardSpec& spec, std::size_t hidden_size, std::size_t layer,
               std::vector<ExpertWeights>& each) {
  const std::size_t count = spec.experts.count;
  each.resize(count);
  const auto bind = [&](const char* part, std::size_t rows, std::size_t columns, bool bias, auto matrix, auto vector) {
    const std::string name = layer_tensor(layer, part);
    std::vector<weights::PackedMatrix> matrices = binder.experts(name + ".weight", count, rows, columns);
    const Vector biases = bias ? binder.rows_as_vector(name + ".bias", count, rows) : Vector();
    for (std::size_t i = 0; i < count; ++i) {
      each[i].*matrix = std::move(matrices[i]);
      if (!bias) continue;
      const auto first = biases.begin() + static_cast<std::ptrdiff_t>(i * rows);
      (each[i].*vector).assign(first, first + static_cast<std::ptrdiff_t>(rows));
    }
  };
  using W = ExpertWeights;
  if (spec.experts.fused) {
    std::vector<weights::PackedMatrix> both =
        binder.experts(layer_tensor(layer, "ffn_gate_up_exps.weight"), count, 2 * spec.size, hidden_size, 2);
    for (std::size_t i = 0; i < count; ++i) {
      each[i].gate = std::move(both[2 * i]);
      each[i].up = std::move(both[2 * i + 1]);
    }
    bind("ffn_down_exps", hidden_size, spec.size, spec.down_bias, &W::down, &W::down_bias);
    return;
  }
  if (spec.gated) bind("ffn_gate_exps", spec.size, hidden_size, spec.gate_bias, &W::gate, &W::gate_bias);
  bind("ffn_up_exps", spec.size, hidden_size, spec.up_bias, &W::up, &W::up_bias);
  bind("ffn_down_exps", hidden_size, spec.size, spec.down_bias, &W::down, &W::down_bias);
}

/// The router's norm has no tensor of the usual form: its weights count as divided by sqrt(hidden_size).
void bind_expert_norms(Binder& binder, const ExpertsSpec& spec, std::size_t hidden_size, std::size_t layer,
                       ExpertsWeights& w) {
  const auto name = [&](const char* part) { return layer_tensor(layer, part); };
  if (spec.router_norm.present()) {
    w.router_norm.weight = binder.vector(name("ffn_gate_inp.scale"), hidden_size);
    const float scale = 1.0F / std::sqrt(static_cast<float>(hidden_size));
    for (float& weight : w.router_norm.weight) weight *= scale;
  }
  w.input_norm = binder.norm(spec.input_norm, name("pre_ffw_norm_2"), hidden_size);
  w.output_norm = binder.norm(spec.output_norm, name("post_ffw_norm_2"), hidden_size);
  w.shared_output_norm = binder.norm(spec.shared_output_norm, name("post_ffw_norm_1"), hidden_size);
}

ExpertsWeights bind_experts(Binder& binder, const FeedForwardSpec& spec, std::size_t hidden_size, std::size_t layer) {
  const ExpertsSpec& experts = spec.experts;
  const auto name = [&](const char* part) { return layer_tensor(layer, part); };
  ExpertsWeights w;
  w.router = binder.matrix(name("ffn_gate_inp.weight"), experts.count, hidden_size);
  w.router_bias = binder.vector_if(experts.router_bias, name("ffn_gate_inp.bias"), experts.count);
  w.selection_bias = binder.vector_if(experts.selection_bias, name("exp_probs_b.bias"), experts.count);
  bind_each(binder, spec, hidden_size, layer, w.each);
  if (experts.shared_size != 0) {
    bind_network(binder, spec, experts.shared_size, hidden_size, layer, experts.shared_is_dense ? "" : "_shexp",
                 w.shared);
  }
  w.shared_gate = binder.vector_if(experts.shared_gate, name("ffn_gate_inp_shexp.weight"), hidden_size);
  w.output_scales = binder.vector_if(experts.output_scales, name("ffn_down_exps.scale"), experts.count);
  bind_expert_norms(binder, experts, hidden_size, layer, w);
  return w;
}

FeedForwardWeights bind_feed_forward(Binder& binder, const FeedForwardSpec& spec, std::size_t hidden_size,
                                     std::size_t layer) {
  const auto name = [&](const char* part) { return layer_tensor(layer, part); };
  FeedForwardWeights w;
  if (spec.experts.present()) {
    w.experts = bind_experts(binder, spec, hidden_size, layer);
    return w;
  }
  bind_network(binder, spec, spec.size, hidden_size, layer, "", w);
  w.gate_bias = binder.vector_if(spec.gate_bias, name("ffn_gate.bias"), spec.size);
  w.up_bias = binder.vector_if(spec.up_bias, name("ffn_up.bias"), spec.size);
  w.down_bias = binder.vector_if(spec.down_bias, name("ffn_down.bias"), hidden_size);
  return w;
}

LayerEmbeddingWeights bind_layer_embedding(Binder& binder, const LayerEmbeddingSpec& spec, std::size_t hidden_size,
                                           std::size_t layer) {
  LayerEmbeddingWeights w;
  if (!spec.present()) return w;
  w.gate = binder.matrix(layer_tensor(layer, "inp_gate.weight"), spec.size, hidden_size);
  w.output = binder.matrix(layer_tensor(layer, "proj.weight"), hidden_size, spec.size);
  w.post_norm = binder.norm(spec.norm, layer_tensor(layer, "post_norm"), hidden_size);
  return w;
}

LayerWeights bind_layer(Binder& binder, const LayerSpec& spec, std::size_t hidden_size, std::size_t layer) {
  const auto norm = [&](const NormSpec& norm_spec, std::string_view part, std::string_view other = {}) {
    return binder.norm(norm_spec, layer_tensor(layer, other.empty() ? part : other), hidden_size);
  };
  LayerWeights w;
  w.attention_norm = norm(spec.attention_norm, "attn_norm", spec.attention_norm_tensor);
  if (spec.attention.present()) w.attention = bind_attention(binder, spec.attention, hidden_size, layer);
  if (spec.recurrent.present()) w.recurrent = bind_recurrent(binder, spec.recurrent, hidden_size, layer);
  w.attention_post_norm = norm(spec.attention_post_norm, "post_attention_norm");
  w.attention_sum_norm = norm(spec.attention_sum_norm, "attn_output_norm");
  w.feed_forward_sum_norm = norm(spec.feed_forward_sum_norm, "layer_output_norm");
  w.feed_forward_norm = norm(spec.feed_forward_norm, "ffn_norm", spec.feed_forward_norm_tensor);
  if (spec.feed_forward.present()) w.feed_forward = bind_feed_forward(binder, spec.feed_forward, hidden_size, layer);
  w.feed_forward_post_norm = norm(spec.feed_forward_post_norm, "post_ffw_norm");
  w.output_scale = binder.vector_if(spec.output_scale, layer_tensor(layer, "layer_output_scale.weight"), 1);
  return w;
}

/// Binds the factors of all RoPEs. Of LongRoPE's both kinds are there, whichever is used.
void bind_rope_factors(Binder& binder, const ModelSpec& spec, ModelWeights& weights) {
  for (const RopeParams& rope : spec.ropes) {
    if (rope.frequency_factors) weights.rope_frequency_factors = binder.vector(kFrequencyFactors, rope.dims / 2);
    if (rope.long_factors == RopeFactors::kNone) continue;
    weights.rope_short_factors = binder.vector(kShortFactors, rope.dims / 2);
    weights.rope_long_factors = binder.vector(kLongFactors, rope.dims / 2);
  }
}

void bind_layer_embeddings(Binder& binder, const ModelSpec& spec, ModelWeights& weights) {
  const LayerEmbeddingSpec& own = spec.layer_embedding;
  if (!own.present()) return;
  const std::size_t all = own.size * spec.layers.size();
  weights.layer_embeddings = binder.matrix("per_layer_token_embd.weight", spec.vocab, all);
  weights.layer_embedding_projection = binder.matrix("per_layer_model_proj.weight", all, spec.hidden_size);
  weights.layer_embedding_norm = binder.norm(own.norm, "per_layer_proj_norm", own.size);
}

ModelWeights bind_all(Binder& binder, const ModelSpec& spec) {
  ModelWeights weights;
  weights.embedding = binder.matrix("token_embd.weight", spec.vocab, spec.hidden_size);
  if (!spec.tied_output) weights.output = binder.matrix("output.weight", spec.vocab, spec.hidden_size);
  weights.output_norm = binder.norm(
      spec.output_norm, spec.output_norm_tensor.empty() ? "output_norm" : spec.output_norm_tensor, spec.hidden_size);
  weights.output_bias = binder.vector_if(spec.output_bias, "output.bias", spec.vocab);
  if (spec.learned_positions != 0)
    weights.positions = binder.matrix("position_embd.weight", spec.learned_positions, spec.hidden_size);
  if (spec.token_types != 0) {
    weights.token_type = binder.rows_as_vector("token_types.weight", spec.token_types, spec.hidden_size);
    weights.token_type.resize(spec.hidden_size);
  }
  weights.embedding_norm = binder.norm(spec.embedding_norm, "token_embd_norm", spec.hidden_size);
  bind_rope_factors(binder, spec, weights);
  bind_layer_embeddings(binder, spec, weights);
  for (std::size_t i = 0; i < spec.layers.size(); ++i) {
    weights.layers.push_back(bind_layer(binder, spec.layers[i], spec.hidden_size, i));
    weights.layers.back().layer_embedding = bind_layer_embedding(binder, spec.layer_embedding, spec.hidden_size, i);
  }
  return weights;
}

/// Checks the factors by which RoPE's frequencies are divided.
void check_factors(const gguf::File& file, const char* name, const Vector& factors) {
  for (std::size_t i = 0; i < factors.size(); ++i) {
    if (factors[i] >= kFactorMin && factors[i] <= kFactorMax) continue;
    fail(ErrorKind::kFormat, "{}: tensor {} has {} at {}, allowed are {} to {}", file.path(), name, factors[i], i,
         kFactorMin, kFactorMax);
  }
}

}  // namespace

ModelWeights bind_weights(const gguf::File& file, const ModelSpec& spec, const BindOptions& options, ThreadPool& pool) {
  outline_weights(file, spec, options);
  Binder pack(file, Binder::Pass::kPack, options, pool);
  ModelWeights weights = bind_all(pack, spec);
  check_factors(file, kFrequencyFactors, weights.rope_frequency_factors);
  check_factors(file, kShortFactors, weights.rope_short_factors);
  check_factors(file, kLongFactors, weights.rope_long_factors);
  return weights;
}

ModelWeights outline_weights(const gguf::File& file, const ModelSpec& spec, const BindOptions& options) {
  ThreadPool pool(1);
  Binder check(file, Binder::Pass::kCheck, options, pool);
  ModelWeights weights = bind_all(check, spec);
  check.check_all_used(spec);
  return weights;
}

}  // namespace pith::model
