#include <array>
#include <cmath>
#include <string_view>

#include "base/fail.h"
#include "model/arch/arch.h"
#include "model/read_heads.h"
#include "model/tensor_names.h"

namespace pith::model {
namespace {

constexpr Range kYarnMultiplier = {1e-6, 1e3};
constexpr Range kGrowth = {1e-6, 1e3};

void check_size(const gguf::File& file, const Keys& keys, std::string_view name, std::size_t size) {
  if (size % kHeadMultiple == 0) return;
  fail(ErrorKind::kUnsupported, "{}: {} is {}, must be a multiple of {}", file.path(), keys.name_of(name), size,
       kHeadMultiple);
}

/// Reads the sizes of a latent. Newer files state as the heads' sizes what is cached, and beside them what the heads
/// have; older ones the latter alone.
LatentSpec read_latent(const gguf::File& file, const Keys& keys, const ModelSpec& spec) {
  const AttentionSpec& attention = spec.layers.front().attention;
  const std::size_t rotated = spec.ropes.front().dims;
  const bool split = keys.has("attention.key_length_mla");
  const std::string_view key_name = split ? "attention.key_length_mla" : "attention.key_length";
  const std::string_view value_name = split ? "attention.value_length_mla" : "attention.value_length";
  LatentSpec latent;
  latent.rank = keys.count("attention.kv_lora_rank", kHeadSizeMax);
  latent.value_size = split ? keys.count(value_name, kHeadSizeMax) : attention.value_size;
  const std::size_t key_size = split ? keys.count(key_name, kHeadSizeMax) : attention.key_size;
  if (key_size <= rotated) {
    fail(ErrorKind::kFormat, "{}: {} is {}, must be above rope.dimension_count {}", file.path(), keys.name_of(key_name),
         key_size, rotated);
  }
  latent.key_size = key_size - rotated;
  check_size(file, keys, "attention.kv_lora_rank", latent.rank);
  check_size(file, keys, "rope.dimension_count", rotated);
  check_size(file, keys, key_name, key_size);
  check_size(file, keys, value_name, latent.value_size);
  if (latent.rank + rotated > kHeadSizeMax) {
    fail(ErrorKind::kUnsupported, "{}: {} is {}, which with rope.dimension_count {} must be at most {}", file.path(),
         keys.name_of("attention.kv_lora_rank"), latent.rank, rotated, kHeadSizeMax);
  }
  latent.norm = {spec.output_norm.kind, spec.output_norm.epsilon};
  return latent;
}

/// The layers' attention becomes that of one KV head, which all heads share.
void use_latent(const gguf::File& file, const Keys& keys, ModelSpec& spec) {
  const LatentSpec latent = read_latent(file, keys, spec);
  for (std::size_t i = 0; i < spec.layers.size(); ++i) {
    const auto has = [&](std::string_view part) { return file.find(layer_tensor(i, part)) != nullptr; };
    AttentionSpec& attention = spec.layers[i].attention;
    attention.scale = 1.0F / std::sqrt(static_cast<float>(latent.key_size + spec.ropes.front().dims));
    attention.kv_heads = 1;
    attention.value_size = latent.rank;
    attention.key_size = latent.rank + spec.ropes.front().dims;
    attention.latent = latent;
    attention.latent.fused = has("attn_kv_b.weight");
    if (!has("attn_q_a.weight")) continue;
    attention.latent.query_rank = keys.count("attention.q_lora_rank", kDimensionMax);
    attention.latent.query_norm = latent.norm;
  }
}

/// With YaRN by the factor f, rotated elements keep their magnitude and scores are multiplied by (1 + 0.1 m ln f)^2,
/// where a file states 0.1 m; without m, both grow, as in llama.cpp.
void scale_scores(const Keys& keys, ModelSpec& spec) {
  RopeParams& rope = spec.ropes.front();
  const double multiplier = keys.real_unless_zero("rope.scaling.yarn_log_multiplier", kYarnMultiplier).value_or(0.0);
  const double stretch = rope.scaling == RopeScaling::kYarn && rope.factor > 1.0 ? 0.1 * std::log(rope.factor) : 0.0;
  double magnitude = rope.attention_factor;
  if (multiplier == 0.0) {
    magnitude *= 1.0 + stretch;
  } else {
    rope.attention_factor /= 1.0 + stretch;
    magnitude *= 1.0 + 10.0 * multiplier * stretch;
  }
  for (LayerSpec& layer : spec.layers) layer.attention.scale *= static_cast<float>(magnitude * magnitude);
}

void add_temperature(const Keys& keys, ModelSpec& spec) {
  const auto scale = keys.real_unless_zero("attention.temperature_scale", kGrowth);
  if (!scale) return;
  for (LayerSpec& layer : spec.layers) {
    layer.attention.temperature_scale = static_cast<float>(*scale);
    layer.attention.temperature_floor = keys.count("attention.temperature_length", kContextMax);
  }
}

/// Files of GLM 4.7 Flash that do not say how experts are chosen mean sigmoid.
void use_sigmoid_of_glm(const Keys& keys, ModelSpec& spec) {
  constexpr std::size_t kVocab = 154880;
  const bool glm = spec.vocab == kVocab && (spec.layers.size() == 47 || spec.layers.size() == 48);
  if (!glm || keys.has("expert_gating_func")) return;
  for (LayerSpec& layer : spec.layers) layer.feed_forward.experts.gating = ExpertGating::kSigmoid;
}

void adapt_deepseek2(const gguf::File& file, const Keys& keys, ModelSpec& spec) {
  use_latent(file, keys, spec);
  scale_scores(keys, spec);
  add_temperature(keys, spec);
  use_sigmoid_of_glm(keys, spec);
}

void adapt_minicpm3(const gguf::File& file, const Keys& keys, ModelSpec& spec) {
  constexpr float kDepthScale = 1.4F;
  constexpr float kBaseWidth = 256.0F;
  use_latent(file, keys, spec);
  spec.embedding_scale = 12.0F;
  spec.logit_scale = kBaseWidth / static_cast<float>(spec.hidden_size);
  const float scale = kDepthScale / std::sqrt(static_cast<float>(spec.layers.size()));
  for (LayerSpec& layer : spec.layers) layer.block_scale = scale;
}

}  // namespace

/// Decoders whose heads share a latent: DeepSeek V2, V3 and R1 (2405.04434, 2412.19437), and with their architecture
/// Kimi K2, Moonlight, GLM 4.7 Flash, Youtu; MiniCPM 3 (2404.06395); PLM (2503.12167).
std::span<const Architecture> deepseek2_family() {
  static constexpr std::array kFamily = {
      Architecture{
          "deepseek2",
          {.pairs = RopePairs::kInterleaved, .experts = {.allowed = true, .normalized = false, .shared = true}},
          adapt_deepseek2},
      Architecture{"minicpm3", {}, adapt_minicpm3},
      Architecture{"plm",
                   {.pairs = RopePairs::kInterleaved, .activation = Activation::kSquaredRelu, .gated = false},
                   use_latent},
  };
  return kFamily;
}

}  // namespace pith::model
