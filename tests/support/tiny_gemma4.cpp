#include "support/tiny_gemma4.h"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace pith::test {
namespace {

constexpr std::size_t kGlobalPeriod = 3;

template <typename Value>
std::vector<std::int32_t> by_layer(const TinyModelSpec& spec, const Value& value) {
  std::vector<std::int32_t> values;
  for (std::size_t i = 0; i < spec.layers; ++i) values.push_back(static_cast<std::int32_t>(value(i)));
  return values;
}

}  // namespace

bool is_gemma4(const TinyModelSpec& spec) { return spec.architecture == "gemma4"; }

bool tiny_layer_is_local(std::size_t layer) { return layer % kGlobalPeriod != kGlobalPeriod - 1; }

bool tiny_layer_caches(const TinyModelSpec& spec, std::size_t layer) {
  return layer + spec.sharing_layers < spec.layers;
}

TinyModelSpec tiny_layer(const TinyModelSpec& spec, std::size_t layer) {
  TinyModelSpec one = spec;
  if (!is_gemma4(spec)) return one;
  if (tiny_layer_is_local(layer)) {
    one.head_size /= 2;
    one.kv_heads = std::min(2 * spec.kv_heads, spec.heads);
  }
  if (!tiny_layer_caches(spec, layer)) one.feed_forward *= 2;
  return one;
}

void add_gemma4_keys(GgufWriter& writer, const TinyModelSpec& spec) {
  const auto number = [&](const char* name, std::size_t value) {
    writer.add(spec.architecture + name, static_cast<std::uint32_t>(value));
  };
  writer.remove(spec.architecture + ".attention.head_count_kv");
  writer.add_array(spec.architecture + ".attention.head_count_kv",
                   by_layer(spec, [&](std::size_t i) { return tiny_layer(spec, i).kv_heads; }));
  writer.remove(spec.architecture + ".feed_forward_length");
  writer.add_array(spec.architecture + ".feed_forward_length",
                   by_layer(spec, [&](std::size_t i) { return tiny_layer(spec, i).feed_forward; }));
  writer.add_array(spec.architecture + ".attention.sliding_window_pattern", by_layer(spec, tiny_layer_is_local));
  number(".attention.key_length_swa", spec.head_size / 2);
  number(".attention.value_length_swa", spec.head_size / 2);
  number(".attention.shared_kv_layers", spec.sharing_layers);
  number(".rope.dimension_count_swa", spec.head_size / 2);
  number(".embedding_length_per_layer_input", spec.layer_embedding);
  writer.add(spec.architecture + ".rope.freq_base_swa", 5000.0F);
  writer.add(spec.architecture + ".final_logit_softcapping", 5.0F);
}

void add_gemma4(TensorMaker& make, const TinyModelSpec& spec, std::size_t vocab) {
  std::vector<float> factors(spec.head_size / 2, 1e30F);
  std::fill_n(factors.begin(), factors.size() / 4, 1.0F);
  make.floats("rope_freqs.weight", factors);
  if (spec.layer_embedding == 0) return;
  make.matrix("per_layer_token_embd.weight", vocab, spec.layers * spec.layer_embedding);
  make.matrix("per_layer_model_proj.weight", spec.layers * spec.layer_embedding, spec.embedding);
  make.vector("per_layer_proj_norm.weight", spec.layer_embedding);
}

void add_gemma4_layer(TensorMaker& make, const TinyModelSpec& spec, const std::string& prefix) {
  make.vector(prefix + "layer_output_scale.weight", 1, 0.7F);
  if (spec.layer_embedding == 0) return;
  make.matrix(prefix + "inp_gate.weight", spec.layer_embedding, spec.embedding);
  make.matrix(prefix + "proj.weight", spec.embedding, spec.layer_embedding);
  make.vector(prefix + "post_norm.weight", spec.embedding);
}

void add_gemma4_experts(TensorMaker& make, const TinyModelSpec& spec, const std::string& prefix) {
  make.matrix(prefix + "ffn_gate_inp.weight", spec.experts, spec.embedding, 3.0F);
  make.vector(prefix + "ffn_gate_inp.scale", spec.embedding, 3.0F);
  for (const char* norm : {"pre_ffw_norm_2.weight", "post_ffw_norm_1.weight", "post_ffw_norm_2.weight"})
    make.vector(prefix + norm, spec.embedding);
  make.experts(prefix + "ffn_gate_up_exps.weight", spec.experts, 2 * spec.feed_forward, spec.embedding);
  make.experts(prefix + "ffn_down_exps.weight", spec.experts, spec.embedding, spec.feed_forward);
  make.vector(prefix + "ffn_down_exps.scale", spec.experts);
}

}  // namespace pith::test
