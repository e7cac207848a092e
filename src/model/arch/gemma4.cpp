#include <array>
#include <optional>

#include "base/fail.h"
#include "model/arch/arch.h"
#include "model/arch/windows.h"
#include "model/read_heads.h"
#include "model/tensor_names.h"

namespace pith::model {
namespace {

constexpr std::uint64_t kLayerEmbeddingMax = 1U << 16;

/// Layers with a window have heads of another size than the others, and a RoPE of their own.
void add_local_layers(const gguf::File& file, const Keys& keys, ModelSpec& spec) {
  const AttentionSpec& global = spec.layers.front().attention;
  const std::size_t key_size = read_head_size(file, keys, "attention.key_length_swa", global.key_size);
  const std::size_t value_size = read_head_size(file, keys, "attention.value_length_swa", global.value_size);
  RopeParams local = spec.ropes.front().unscaled();
  local.base = keys.real_or("rope.freq_base_swa", 10000.0, kRopeBase);
  local.frequency_factors = false;
  local.dims = keys.count_or("rope.dimension_count_swa", key_size, key_size);
  if (local.dims % 2 != 0) {
    fail(ErrorKind::kFormat, "{}: {} is {}, must be even", file.path(), keys.name_of("rope.dimension_count_swa"),
         local.dims);
  }
  spec.ropes.push_back(local);
  add_windows(file, keys, 0, spec.ropes.size() - 1, spec);
  for (LayerSpec& layer : spec.layers) {
    if (layer.attention.window == 0) continue;
    layer.attention.key_size = key_size;
    layer.attention.value_size = value_size;
  }
}

/// The last layers read the keys and values of the last layer of their kind before them.
void share_caches(const gguf::File& file, const Keys& keys, ModelSpec& spec) {
  const std::string key = keys.name_of("attention.shared_kv_layers");
  const std::uint64_t shared = file.metadata().get<std::uint64_t>(key).value_or(0);
  if (shared >= spec.layers.size())
    fail(ErrorKind::kFormat, "{}: {} is {}, must be below the {} layers", file.path(), key, shared, spec.layers.size());
  const std::size_t first = spec.layers.size() - shared;
  for (std::size_t i = first; i < spec.layers.size(); ++i) {
    AttentionSpec& attention = spec.layers[i].attention;
    std::optional<std::size_t> source;
    for (std::size_t j = 0; j < first; ++j) {
      if (spec.layers[j].attention.window == attention.window) source = j;
    }
    if (!source || spec.layers[*source].attention.kv_heads != attention.kv_heads) {
      fail(ErrorKind::kFormat, "{}: {} is {}, but no layer before layer {} has its window {} and its {} KV heads",
           file.path(), key, shared, i, attention.window, attention.kv_heads);
    }
    attention.reads_back = i - *source;
  }
}

void adapt_layer(const gguf::File& file, const NormSpec& norm, std::size_t index, LayerSpec& layer) {
  const auto has = [&](std::string_view part) { return file.find(layer_tensor(index, part)) != nullptr; };
  const NormSpec plain = {.kind = norm.kind, .epsilon = norm.epsilon, .plain = true};
  AttentionSpec& attention = layer.attention;
  attention.scale = 1.0F;
  attention.value_norm = plain;
  attention.values_are_keys =
      attention.window == 0 && attention.key_size == attention.value_size && !attention.fused && !has("attn_v.weight");
  layer.output_scale = has("layer_output_scale.weight");
  ExpertsSpec& experts = layer.feed_forward.experts;
  if (!experts.present()) return;
  experts.router_norm = norm;
  experts.input_norm = norm;
  experts.output_norm = norm;
  experts.shared_output_norm = norm;
}

void adapt_gemma4(const gguf::File& file, const Keys& keys, ModelSpec& spec) {
  scale_embedding(file, keys, spec);
  spec.logit_softcap = static_cast<float>(keys.real_unless_zero("final_logit_softcapping", kSoftcap).value_or(0.0));
  add_local_layers(file, keys, spec);
  share_caches(file, keys, spec);
  for (std::size_t i = 0; i < spec.layers.size(); ++i) adapt_layer(file, spec.output_norm, i, spec.layers[i]);
  if (file.metadata().get<std::uint64_t>(keys.name_of("embedding_length_per_layer_input")).value_or(0) == 0) return;
  spec.layer_embedding.size = keys.count("embedding_length_per_layer_input", kLayerEmbeddingMax);
  spec.layer_embedding.norm = spec.output_norm;
}

}  // namespace

/// Gemma 4 (2026): layers with a window have smaller heads; the last layers share keys and values; values are normed;
/// the small models have embeddings for each layer, the sparse one has experts beside a dense network.
std::span<const Architecture> gemma4_family() {
  static constexpr std::array kFamily = {
      Architecture{"gemma4",
                   {.query_key_norm = true,
                    .post_norms = true,
                    .activation = Activation::kGelu,
                    .uneven = true,
                    .experts = {.allowed = true, .shared_is_dense = true}},
                   adapt_gemma4},
  };
  return kFamily;
}

}  // namespace pith::model
