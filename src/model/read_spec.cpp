#include "model/read_spec.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "base/fail.h"
#include "base/printable.h"
#include "model/arch/arch.h"
#include "model/keys.h"
#include "model/read_experts.h"
#include "model/read_heads.h"
#include "model/read_recurrent.h"
#include "model/read_rope.h"
#include "model/tensor_names.h"

namespace pith::model {
namespace {

constexpr std::uint64_t kLayersMax = 1024;
constexpr std::uint64_t kVocabMax = 1U << 24;

void check_causal(const gguf::File& file, const Keys& keys) {
  const std::string key = keys.name_of("attention.causal");
  if (file.metadata().get<bool>(key).value_or(true)) return;
  fail(ErrorKind::kUnsupported, "{}: {} is false, must be true: models that look ahead are not supported", file.path(),
       key);
}

std::size_t read_vocab_size(const gguf::File& file, const Keys& keys) {
  const std::uint64_t rows = file.require("token_embd.weight").rows();
  if (rows > kVocabMax) {
    fail(ErrorKind::kFormat, "{}: token_embd.weight has {} rows, at most {} are allowed", file.path(), rows, kVocabMax);
  }
  // Checks the stated size. The matrix may have more rows, which are padding.
  keys.count_or("vocab_size", rows, rows);
  return static_cast<std::size_t>(rows);
}

NormSpec read_norm(const gguf::File& file, const Keys& keys, const Traits& traits, const std::string& name) {
  NormSpec norm;
  norm.kind = traits.norm;
  const bool rms = norm.kind == NormKind::kRms;
  norm.epsilon = keys.norm_epsilon(rms);
  norm.plain = traits.plain_norms;
  norm.bias = !rms && !norm.plain && (traits.biases || file.find(name + ".bias") != nullptr);
  return norm;
}

/// Fills in what tells one layer from another: the optional tensors that the file has.
void read_optional(const gguf::File& file, const Traits& traits, std::size_t index, AttentionSpec& attention) {
  const auto has = [&](std::string_view part) { return file.find(layer_tensor(index, part)) != nullptr; };
  attention.fused = traits.fused_qkv || has("attn_qkv.weight");
  const auto bias = [&](std::string_view part) {
    return traits.qkv_bias || has(attention.fused ? std::string_view("attn_qkv.bias") : part);
  };
  attention.query_bias = bias("attn_q.bias");
  attention.key_bias = bias("attn_k.bias");
  attention.value_bias = bias("attn_v.bias");
  attention.output_bias = traits.biases || has("attn_output.bias");
}

void read_feed_forward(const gguf::File& file, const Keys& keys, const Traits& traits, std::size_t index,
                       FeedForwardSpec& spec) {
  const auto has = [&](std::string_view part) { return file.find(layer_tensor(index, part)) != nullptr; };
  spec.activation = traits.activation;
  spec.gated = traits.gated;
  spec.fused = traits.fused_gate_up;
  spec.gate_bias = spec.gated && has("ffn_gate.bias");
  spec.up_bias = traits.biases || has("ffn_up.bias");
  spec.down_bias = traits.biases || has("ffn_down.bias");
  if (traits.experts.allowed) read_experts(file, keys, traits, index, spec);
}

void read_norms(const gguf::File& file, const Keys& keys, const Traits& traits, std::size_t index, LayerSpec& layer) {
  const auto norm = [&](std::string_view name) { return read_norm(file, keys, traits, layer_tensor(index, name)); };
  const bool mixes = layer.attention.present() || layer.recurrent.present();
  const bool feeds = layer.feed_forward.present();
  if (traits.pre_norms && mixes) layer.attention_norm = norm("attn_norm");
  if (traits.pre_norms && feeds) {
    // A block that is alone in its layer has the layer's only norm.
    layer.feed_forward_norm_tensor = mixes ? "" : "attn_norm";
    layer.feed_forward_norm = norm(mixes ? "ffn_norm" : "attn_norm");
  }
  if (traits.query_key_norm && layer.attention.present()) {
    layer.attention.query_key_norm = norm("attn_q_norm");
    layer.attention.query_key_norm_extent = traits.query_key_norm_extent;
  }
  if (traits.post_norms && mixes) layer.attention_post_norm = norm("post_attention_norm");
  if (traits.post_norms && feeds) layer.feed_forward_post_norm = norm("post_ffw_norm");
}

LayerSpec read_layer(const gguf::File& file, const Keys& keys, const Traits& traits, const LayerSpec& shape,
                     LayerParts parts, std::size_t hidden_size, std::size_t index) {
  LayerSpec layer;
  layer.residual = traits.residual;
  if (parts.attention) {
    layer.attention = shape.attention;
    layer.attention.output_gate = traits.query_gate;
    layer.attention.both_ways = traits.both_ways;
    read_optional(file, traits, index, layer.attention);
  }
  if (parts.recurrent) layer.recurrent = read_recurrent(file, keys, traits, hidden_size, index);
  if (parts.feed_forward) {
    layer.feed_forward = shape.feed_forward;
    read_feed_forward(file, keys, traits, index, layer.feed_forward);
  }
  read_norms(file, keys, traits, index, layer);
  return layer;
}

/// Returns the shape that all layers with attention, and all with feed-forward, have in common.
LayerSpec read_shape(const gguf::File& file, const Keys& keys, const Traits& traits,
                     const std::vector<LayerParts>& parts, std::size_t blocks, std::size_t hidden_size) {
  LayerSpec shape;
  const auto any = [&](bool LayerParts::*part) {
    return std::any_of(parts.begin(), parts.end(), [&](const LayerParts& layer) { return layer.*part; });
  };
  if (any(&LayerParts::attention)) {
    AttentionSpec& attention = shape.attention;
    read_heads(file, keys, traits, blocks, attention);
    const std::size_t usual = usual_head_size(file, keys, hidden_size, attention.heads);
    attention.key_size = read_head_size(file, keys, "attention.key_length", usual);
    attention.value_size = read_head_size(file, keys, "attention.value_length", usual);
    attention.scale = 1.0F / std::sqrt(static_cast<float>(attention.key_size));
  }
  // A model of experts alone need not state it.
  if (any(&LayerParts::feed_forward) && (!keys.has("expert_count") || keys.has("feed_forward_length")))
    shape.feed_forward.size = read_count(keys, traits, "feed_forward_length", blocks);
  return shape;
}

}  // namespace

ModelSpec read_spec(const gguf::File& file, const RopeOptions& options) {
  ModelSpec spec;
  spec.architecture = std::string(file.metadata().require<std::string_view>("general.architecture"));
  const Architecture& architecture = find_architecture(file, spec.architecture);
  const Keys keys(file, spec.architecture);
  if (!architecture.traits.experts.allowed) check_no_experts(file, keys);
  if (!architecture.traits.both_ways) check_causal(file, keys);
  const std::size_t blocks = keys.count("block_count", kLayersMax);
  spec.drafting_layers = read_drafting_layers(file, keys, blocks);
  const std::size_t layers = blocks - spec.drafting_layers;
  spec.hidden_size = keys.count("embedding_length", kDimensionMax);
  const std::vector<LayerParts> parts = read_parts(file, keys, architecture.traits, layers, blocks);
  const LayerSpec shape = read_shape(file, keys, architecture.traits, parts, blocks, spec.hidden_size);
  spec.context_trained = keys.count("context_length", kContextMax);
  spec.vocab = read_vocab_size(file, keys);
  spec.tied_output = file.find("output.weight") == nullptr;
  spec.output_bias = file.find("output.bias") != nullptr;
  spec.output_norm = read_norm(file, keys, architecture.traits, "output_norm");
  spec.ropes = {shape.attention.present() ? read_rope(file, keys, shape.attention.key_size, spec.context_trained)
                                          : RopeParams{}};
  spec.ropes.front().pairs = architecture.traits.pairs;
  stretch(file, options, spec.ropes.front());
  spec.layers.reserve(layers);
  for (std::size_t i = 0; i < layers; ++i)
    spec.layers.push_back(read_layer(file, keys, architecture.traits, shape, parts[i], spec.hidden_size, i));
  if (architecture.traits.uneven) read_by_layer(file, keys, blocks, spec);
  check_experts(file, keys, spec);
  if (architecture.adapt != nullptr) architecture.adapt(file, keys, spec);
  return spec;
}

}  // namespace pith::model
