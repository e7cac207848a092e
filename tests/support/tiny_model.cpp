#include "support/tiny_model.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "support/random_weights.h"
#include "support/tiny_vocab.h"

namespace pith::test {
namespace {

bool is_gemma(const TinyModelSpec& spec) { return spec.architecture == "gemma3"; }
bool has_layer_norm(const TinyModelSpec& spec) {
  return spec.architecture == "starcoder2" || spec.architecture == "gptneox" || spec.architecture == "command-r";
}
/// Whether norms and matrices have biases, and there is no gate.
bool has_biases(const TinyModelSpec& spec) { return has_layer_norm(spec) && spec.architecture != "command-r"; }
bool is_fused(const TinyModelSpec& spec) { return spec.architecture == "gptneox"; }
bool has_query_key_norm(const TinyModelSpec& spec) { return spec.architecture == "qwen3" || is_gemma(spec); }

std::size_t value_size(const TinyModelSpec& spec) { return spec.value_size == 0 ? spec.head_size : spec.value_size; }

float rope_base(const TinyModelSpec& spec) { return spec.architecture == "llama" ? 500000.0F : 1000000.0F; }

void add_rope_keys(GgufWriter& writer, const TinyModelSpec& spec) {
  const std::string prefix = spec.architecture + ".rope.";
  writer.add(prefix + "dimension_count", static_cast<std::uint32_t>(spec.head_size));
  writer.add(prefix + "freq_base", rope_base(spec));
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
  number("feed_forward_length", spec.feed_forward);
  number("attention.head_count", spec.heads);
  number("attention.head_count_kv", spec.kv_heads);
  number("attention.key_length", spec.head_size);
  number("attention.value_length", value_size(spec));
  const char* epsilon = has_layer_norm(spec) ? ".attention.layer_norm_epsilon" : ".attention.layer_norm_rms_epsilon";
  writer.add(spec.architecture + epsilon, spec.architecture == "llama" ? 1e-5F : 1e-6F);
  if (spec.architecture == "gptneox") writer.add("gptneox.use_parallel_residual", spec.parallel);
  if (spec.architecture == "command-r") writer.add("command-r.logit_scale", 0.0625F);
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

class TensorMaker {
 public:
  TensorMaker(GgufWriter& writer, const TinyModelSpec& spec) : writer_(writer), spec_(spec), random_(spec.seed) {}

  /// Scaled so that a product with a unit vector has about unit variance, times `gain`.
  void matrix(const std::string& name, std::size_t rows, std::size_t columns, float gain = 1.0F) {
    const float deviation = gain / std::sqrt(static_cast<float>(columns));
    writer_.add_tensor(name, spec_.weight_type, {columns, rows},
                       random_weights(random_, spec_.weight_type, rows, columns, deviation));
  }

  void vector(const std::string& name, std::size_t length, float mean = 1.0F) {
    constexpr float kDeviation = 0.1F;
    std::vector<float> values = random_normal(random_, length, kDeviation);
    for (float& value : values) value += mean;
    writer_.add_tensor(name, {length}, values);
  }

 private:
  GgufWriter& writer_;
  const TinyModelSpec& spec_;
  Random random_;
};

void add_attention(TensorMaker& make, const TinyModelSpec& spec, const std::string& prefix) {
  const std::size_t queries = spec.heads * spec.head_size;
  const std::size_t keys = spec.kv_heads * spec.head_size;
  const std::size_t values = spec.kv_heads * value_size(spec);
  if (is_fused(spec)) {
    make.matrix(prefix + "attn_qkv.weight", queries + keys + values, spec.embedding);
    make.vector(prefix + "attn_qkv.bias", queries + keys + values, 0.0F);
  } else {
    make.matrix(prefix + "attn_q.weight", queries, spec.embedding);
    make.matrix(prefix + "attn_k.weight", keys, spec.embedding);
    make.matrix(prefix + "attn_v.weight", values, spec.embedding);
  }
  make.matrix(prefix + "attn_output.weight", spec.embedding, spec.heads * value_size(spec));
  if (has_biases(spec)) make.vector(prefix + "attn_output.bias", spec.embedding, 0.0F);
  if (spec.architecture == "qwen2" || (has_biases(spec) && !is_fused(spec))) {
    make.vector(prefix + "attn_q.bias", queries, 0.0F);
    make.vector(prefix + "attn_k.bias", keys, 0.0F);
    make.vector(prefix + "attn_v.bias", values, 0.0F);
  }
  if (has_query_key_norm(spec)) {
    make.vector(prefix + "attn_q_norm.weight", spec.head_size);
    make.vector(prefix + "attn_k_norm.weight", spec.head_size);
  }
}

void add_norm(TensorMaker& make, const TinyModelSpec& spec, const std::string& name) {
  make.vector(name + ".weight", spec.embedding);
  if (has_biases(spec)) make.vector(name + ".bias", spec.embedding, 0.0F);
}

void add_layer(TensorMaker& make, const TinyModelSpec& spec, std::size_t layer) {
  const std::string prefix = "blk." + std::to_string(layer) + ".";
  add_norm(make, spec, prefix + "attn_norm");
  add_attention(make, spec, prefix);
  if (is_gemma(spec)) {
    make.vector(prefix + "post_attention_norm.weight", spec.embedding);
    make.vector(prefix + "post_ffw_norm.weight", spec.embedding);
  }
  if (spec.architecture != "command-r") add_norm(make, spec, prefix + "ffn_norm");
  if (!has_biases(spec)) make.matrix(prefix + "ffn_gate.weight", spec.feed_forward, spec.embedding);
  make.matrix(prefix + "ffn_up.weight", spec.feed_forward, spec.embedding);
  make.matrix(prefix + "ffn_down.weight", spec.embedding, spec.feed_forward);
  if (has_biases(spec)) {
    make.vector(prefix + "ffn_up.bias", spec.feed_forward, 0.0F);
    make.vector(prefix + "ffn_down.bias", spec.embedding, 0.0F);
  }
}

}  // namespace

GgufWriter tiny_model_writer(const TinyModelSpec& spec) {
  GgufWriter writer;
  add_keys(writer, spec);
  const std::size_t vocab = spec.sentence_piece ? add_tiny_spm_vocab(writer) : add_tiny_vocab(writer);
  TensorMaker make(writer, spec);
  // Gemma itself multiplies embeddings by sqrt(embedding).
  const float gain = is_gemma(spec) ? 1.0F : std::sqrt(static_cast<float>(spec.embedding));
  make.matrix("token_embd.weight", vocab, spec.embedding, gain);
  if (spec.rope == TinyRope::kLlama3) {
    writer.add_tensor("rope_freqs.weight", {spec.head_size / 2}, llama3_factors(spec));
  }
  for (std::size_t i = 0; i < spec.layers; ++i) add_layer(make, spec, i);
  add_norm(make, spec, "output_norm");
  if (!spec.tied_output) make.matrix("output.weight", vocab, spec.embedding);
  return writer;
}

Bytes make_tiny_model(const TinyModelSpec& spec) { return tiny_model_writer(spec).bytes(); }

std::filesystem::path write_tiny_model(const TinyModelSpec& spec, const TempDir& folder, const std::string& name) {
  std::filesystem::path path = folder / (name + ".gguf");
  tiny_model_writer(spec).write(path);
  return path;
}

}  // namespace pith::test
