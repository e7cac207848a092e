#include "support/tiny_model.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "support/tensor_maker.h"
#include "support/tiny_form.h"
#include "support/tiny_gemma4.h"
#include "support/tiny_latent.h"
#include "support/tiny_recurrent.h"
#include "support/tiny_vocab.h"

namespace pith::test {
namespace {

const TinyForm& form_of(const TinyModelSpec& spec) { return tiny_form(spec.architecture); }
/// Returns the experts of a layer; 0: it is no mixture.
std::size_t experts_of(const TinyModelSpec& spec) { return spec.experts != 0 ? spec.experts : form_of(spec).experts; }

std::size_t value_size(const TinyModelSpec& spec) { return spec.value_size == 0 ? spec.head_size : spec.value_size; }

std::size_t rotated_size(const TinyModelSpec& spec) { return has_latent(spec) ? kTinyRotated : spec.head_size; }

float rope_base(const TinyModelSpec& spec) { return spec.architecture == "llama" ? 500000.0F : 1000000.0F; }

void add_rope_keys(GgufWriter& writer, const TinyModelSpec& spec) {
  const std::string prefix = spec.architecture + ".rope.";
  writer.add(prefix + "dimension_count", static_cast<std::uint32_t>(rotated_size(spec)));
  writer.add(prefix + "freq_base", rope_base(spec));
  if (spec.rope == TinyRope::kLong) {
    writer.add(prefix + "scaling.type", "longrope");
    writer.add(prefix + "scaling.attn_factor", 1.2F);
    writer.add(prefix + "scaling.original_context_length", static_cast<std::uint32_t>(spec.rope_context));
  }
  if (spec.rope != TinyRope::kLinear && spec.rope != TinyRope::kYarn) return;
  writer.add(prefix + "scaling.type", spec.rope == TinyRope::kLinear ? "linear" : "yarn");
  writer.add(prefix + "scaling.factor", spec.rope_factor);
  writer.add(prefix + "scaling.original_context_length", static_cast<std::uint32_t>(spec.rope_context));
}

void add_keys(GgufWriter& writer, const TinyModelSpec& spec) {
  const auto number = [&](const char* name, std::size_t value) {
    writer.add(spec.architecture + "." + name, static_cast<std::uint32_t>(value));
  };
  writer.add("general.architecture", spec.architecture);
  writer.add("general.name", "random " + spec.architecture);
  number("context_length", spec.context);
  number("embedding_length", spec.embedding);
  number("block_count", spec.layers);
  number("attention.head_count", form_of(spec).recurrent == TinyRecurrent::kAlone ? 0 : spec.heads);
  add_recurrent_keys(writer, spec);
  number("attention.key_length", spec.head_size);
  number("attention.value_length", value_size(spec));
  const TinyForm& form = form_of(spec);
  const char* epsilon = form.layer_norm ? ".attention.layer_norm_epsilon" : ".attention.layer_norm_rms_epsilon";
  writer.add(spec.architecture + epsilon, spec.architecture == "llama" ? 1e-5F : 1e-6F);
  if (form.keys != nullptr) form.keys(writer, spec);
  if (const std::size_t experts = experts_of(spec); experts != 0) {
    number("expert_count", experts);
    number("expert_used_count", spec.experts_used);
    number("expert_feed_forward_length", spec.feed_forward);
  }
  if (spec.sliding_window != 0) number("attention.sliding_window", spec.sliding_window);
  add_rope_keys(writer, spec);
}

/// Returns Llama 3's factors by which frequencies are divided: 1 for short waves, the full factor for long ones, a ramp
/// in between.
std::vector<float> llama3_factors(const TinyModelSpec& spec) {
  constexpr double kLowFactor = 1.0;
  constexpr double kHighFactor = 4.0;
  const auto context = static_cast<double>(spec.rope_context);
  const auto factor = static_cast<double>(spec.rope_factor);
  std::vector<float> factors;
  for (std::size_t i = 0; i < spec.head_size / 2; ++i) {
    const double exponent = 2.0 * static_cast<double>(i) / static_cast<double>(spec.head_size);
    const double wave = 2.0 * std::numbers::pi * std::pow(static_cast<double>(rope_base(spec)), exponent);
    const double smooth = std::clamp((context / wave - kLowFactor) / (kHighFactor - kLowFactor), 0.0, 1.0);
    factors.push_back(static_cast<float>(1.0 / ((1.0 - smooth) / factor + smooth)));
  }
  return factors;
}

/// LongRoPE's factors: about 1 for short contexts, about 4 for long ones.
void add_long_factors(TensorMaker& make, const TinyModelSpec& spec) {
  make.vector("rope_factors_short.weight", rotated_size(spec) / 2);
  make.vector("rope_factors_long.weight", rotated_size(spec) / 2, 4.0F);
}

void add_norm(TensorMaker& make, const TinyModelSpec& spec, const std::string& name) {
  if (form_of(spec).norms == TinyNorms::kPlain) return;
  make.vector(name + ".weight", spec.embedding);
  if (form_of(spec).norm_bias) make.vector(name + ".bias", spec.embedding, 0.0F);
}

void add_qk_norms(TensorMaker& make, const TinyModelSpec& spec, const std::string& prefix, bool caches) {
  const auto add = [&](const std::string& name, std::size_t heads) {
    switch (form_of(spec).qk_norm) {
      case TinyQkNorm::kNone:
        return;
      case TinyQkNorm::kHead:
        // Where nothing else scales scores, so that softmax does not magnify what rounding does.
        return make.vector(prefix + name, spec.head_size, is_gemma4(spec) ? 0.4F : 1.0F);
      case TinyQkNorm::kHeads:
        return make.matrix_around_one(prefix + name, heads, spec.head_size);
      case TinyQkNorm::kWhole:
        return make.vector(prefix + name, heads * spec.head_size);
    }
  };
  add("attn_q_norm.weight", spec.heads);
  if (caches) add("attn_k_norm.weight", spec.kv_heads);
}

void add_attention(TensorMaker& make, const TinyModelSpec& spec, std::size_t layer, const std::string& prefix) {
  if (has_latent(spec)) return add_latent_attention(make, spec, prefix);
  const TinyForm& form = form_of(spec);
  const std::size_t gates = form.query_gate ? spec.heads * value_size(spec) : 0;
  const std::size_t queries = spec.heads * spec.head_size + gates;
  const std::size_t keys = spec.kv_heads * spec.head_size;
  const std::size_t values = spec.kv_heads * value_size(spec);
  const bool caches = tiny_layer_caches(spec, layer);
  if (form.fused_qkv) {
    make.matrix(prefix + "attn_qkv.weight", queries + keys + values, spec.embedding);
    if (form.qkv_bias) make.vector(prefix + "attn_qkv.bias", queries + keys + values, 0.0F);
  } else {
    make.matrix(prefix + "attn_q.weight", queries, spec.embedding);
    if (caches) make.matrix(prefix + "attn_k.weight", keys, spec.embedding);
    if (caches && !(spec.values_are_keys && !tiny_layer_is_local(layer)))
      make.matrix(prefix + "attn_v.weight", values, spec.embedding);
  }
  make.matrix(prefix + "attn_output.weight", spec.embedding, spec.heads * value_size(spec));
  if (form.other_biases) make.vector(prefix + "attn_output.bias", spec.embedding, 0.0F);
  if (form.qkv_bias && !form.fused_qkv) {
    make.vector(prefix + "attn_q.bias", queries, 0.0F);
    make.vector(prefix + "attn_k.bias", keys, 0.0F);
    make.vector(prefix + "attn_v.bias", values, 0.0F);
  }
  add_qk_norms(make, spec, prefix, caches);
  if (form.sinks) make.vector(prefix + "attn_sinks.weight", spec.heads, 0.0F);
}

void add_experts(TensorMaker& make, const TinyModelSpec& spec, const std::string& prefix) {
  const TinyForm& form = form_of(spec);
  const std::size_t experts = experts_of(spec);
  // Far apart, so that rounding does not change the choice.
  make.matrix(prefix + "ffn_gate_inp.weight", experts, spec.embedding, 3.0F);
  if (form.gated) make.experts(prefix + "ffn_gate_exps.weight", experts, spec.feed_forward, spec.embedding);
  make.experts(prefix + "ffn_up_exps.weight", experts, spec.feed_forward, spec.embedding);
  make.experts(prefix + "ffn_down_exps.weight", experts, spec.embedding, spec.feed_forward);
  if (form.other_biases) {
    make.vector(prefix + "ffn_gate_inp.bias", experts, 0.0F);
    make.matrix_around_one(prefix + "ffn_gate_exps.bias", experts, spec.feed_forward);
    make.matrix_around_one(prefix + "ffn_up_exps.bias", experts, spec.feed_forward);
    make.matrix_around_one(prefix + "ffn_down_exps.bias", experts, spec.embedding);
  }
  if (form.selection_bias) make.vector(prefix + "exp_probs_b.bias", experts, 0.0F);
  if (!form.shared_expert) return;
  if (form.gated) make.matrix(prefix + "ffn_gate_shexp.weight", spec.shared_expert, spec.embedding);
  make.matrix(prefix + "ffn_up_shexp.weight", spec.shared_expert, spec.embedding);
  make.matrix(prefix + "ffn_down_shexp.weight", spec.embedding, spec.shared_expert);
  if (form.shared_gate) make.vector(prefix + "ffn_gate_inp_shexp.weight", spec.embedding, 0.0F);
}

void add_feed_forward(TensorMaker& make, const TinyModelSpec& spec, const std::string& prefix) {
  const TinyForm& form = form_of(spec);
  if (form.gated && !form.fused_gate_up) make.matrix(prefix + "ffn_gate.weight", spec.feed_forward, spec.embedding);
  make.matrix(prefix + "ffn_up.weight", spec.feed_forward * (form.fused_gate_up ? 2 : 1), spec.embedding);
  make.matrix(prefix + "ffn_down.weight", spec.embedding, spec.feed_forward);
  if (form.other_biases) {
    make.vector(prefix + "ffn_up.bias", spec.feed_forward, 0.0F);
    make.vector(prefix + "ffn_down.bias", spec.embedding, 0.0F);
  }
}

void add_layer(TensorMaker& make, const TinyModelSpec& model, std::size_t layer) {
  const TinyModelSpec spec = tiny_layer(model, layer);
  const TinyNorms norms = form_of(spec).norms;
  const std::string prefix = "blk." + std::to_string(layer) + ".";
  if (norms != TinyNorms::kAfter && norms != TinyNorms::kSums) add_norm(make, spec, prefix + "attn_norm");
  if (norms == TinyNorms::kSums) {
    add_norm(make, spec, prefix + "attn_output_norm");
    add_norm(make, spec, prefix + "layer_output_norm");
  }
  const TinyParts parts = tiny_parts(spec, layer);
  if (parts.recurrent) add_recurrent(make, spec, prefix);
  if (parts.attention) add_attention(make, spec, layer, prefix);
  if (is_gemma4(spec)) add_gemma4_layer(make, spec, prefix);
  if (!parts.feed_forward) return;
  if (norms == TinyNorms::kBeforeAndAfter || norms == TinyNorms::kAfter) {
    make.vector(prefix + "post_attention_norm.weight", spec.embedding);
    make.vector(prefix + "post_ffw_norm.weight", spec.embedding);
  }
  const bool own_norm = parts.recurrent || parts.attention;
  if (own_norm && (norms == TinyNorms::kBefore || norms == TinyNorms::kBeforeAndAfter))
    add_norm(make, spec, prefix + "ffn_norm");
  if (norms == TinyNorms::kPostAttention) add_norm(make, spec, prefix + "post_attention_norm");
  if (is_gemma4(spec) && spec.experts != 0) {
    // Of one size, while the dense networks beside them differ.
    add_gemma4_experts(make, model, prefix);
    return add_feed_forward(make, spec, prefix);
  }
  if (experts_of(spec) != 0 && layer >= spec.dense_layers) return add_experts(make, spec, prefix);
  add_feed_forward(make, spec, prefix);
}

}  // namespace

GgufWriter tiny_model_writer(const TinyModelSpec& spec) {
  GgufWriter writer;
  add_keys(writer, spec);
  const std::size_t vocab = spec.sentence_piece ? add_tiny_spm_vocab(writer) : add_tiny_vocab(writer);
  TensorMaker make(writer, spec);
  // Gemma itself multiplies embeddings by sqrt(embedding).
  const TinyForm& form = form_of(spec);
  const float gain = form.scales_embedding ? 1.0F : std::sqrt(static_cast<float>(spec.embedding));
  make.matrix("token_embd.weight", vocab, spec.embedding, gain);
  if (spec.rope == TinyRope::kLlama3) {
    writer.add_tensor("rope_freqs.weight", {spec.head_size / 2}, llama3_factors(spec));
  }
  if (spec.rope == TinyRope::kLong) add_long_factors(make, spec);
  if (form.learned_positions) make.matrix("position_embd.weight", spec.context, spec.embedding, gain);
  if (is_gemma4(spec)) add_gemma4(make, spec, vocab);
  if (form.norms == TinyNorms::kSums) make.matrix("token_types.weight", 2, spec.embedding, gain);
  for (std::size_t i = 0; i < spec.layers; ++i) add_layer(make, spec, i);
  add_norm(make, spec, std::string(form.output_norm));
  if (!spec.tied_output) make.matrix("output.weight", vocab, spec.embedding);
  if (form.output_bias) make.vector("output.bias", vocab, 0.0F);
  return writer;
}

Bytes make_tiny_model(const TinyModelSpec& spec) { return tiny_model_writer(spec).bytes(); }

std::filesystem::path write_tiny_model(const TinyModelSpec& spec, const TempDir& folder, const std::string& name) {
  std::filesystem::path path = folder / (name + ".gguf");
  tiny_model_writer(spec).write(path);
  return path;
}

}  // namespace pith::test
