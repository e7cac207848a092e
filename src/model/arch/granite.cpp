#include <array>
#include <cmath>

#include "model/arch/arch.h"
#include "model/arch/windows.h"

namespace pith::model {
namespace {

constexpr Range kMultiplier = {1e-6, 1e6};

/// Returns a scale that a file may state; 0, like an absent key, means `usual`.
float scale_or(const Keys& keys, std::string_view name, float usual) {
  return static_cast<float>(keys.real_unless_zero(name, kMultiplier).value_or(static_cast<double>(usual)));
}

void scale_blocks(float scale, ModelSpec& spec) {
  for (LayerSpec& layer : spec.layers) layer.block_scale = scale;
}

void adapt_granite(const gguf::File& file, const Keys& keys, ModelSpec& spec) {
  spec.logit_scale = 1.0F / static_cast<float>(keys.real("logit_scale", kMultiplier));
  spec.embedding_scale = scale_or(keys, "embedding_scale", 1.0F);
  scale_blocks(scale_or(keys, "residual_scale", 0.0F), spec);
  for (LayerSpec& layer : spec.layers) layer.attention.scale = scale_or(keys, "attention.scale", layer.attention.scale);
  // The key says whether positions rotate anything.
  if (file.metadata().get<bool>(keys.name_of("rope.scaling.finetuned")).value_or(true)) return;
  without_rope(spec);
}

/// Older files do not state the scales.
void adapt_minicpm(const gguf::File&, const Keys& keys, ModelSpec& spec) {
  constexpr float kEmbeddingScale = 12.0F;
  constexpr float kDepthScale = 1.4F;
  constexpr float kBaseWidth = 256.0F;
  spec.embedding_scale = scale_or(keys, "embedding_scale", kEmbeddingScale);
  scale_blocks(scale_or(keys, "residual_scale", kDepthScale / std::sqrt(static_cast<float>(spec.layers.size()))), spec);
  spec.logit_scale = 1.0F / scale_or(keys, "logit_scale", static_cast<float>(spec.hidden_size) / kBaseWidth);
}

}  // namespace

/// Decoders with multipliers (2203.03466): Granite 3 and 4 of IBM, and MiniCPM (2404.06395).
std::span<const Architecture> granite_family() {
  static constexpr std::array kFamily = {
      Architecture{"granite", {.pairs = RopePairs::kInterleaved}, adapt_granite},
      Architecture{"granitemoe", {.pairs = RopePairs::kInterleaved, .experts = {.allowed = true}}, adapt_granite},
      // Granite 4 (Mamba 2 beside attention).
      Architecture{"granitehybrid",
                   {.pairs = RopePairs::kInterleaved,
                    .experts = {.allowed = true},
                    .recurrent = {RecurrentLayers::kWithoutKvHeads, Recurrence::kStateSpace}},
                   adapt_granite},
      Architecture{"minicpm", {.pairs = RopePairs::kInterleaved}, adapt_minicpm},
  };
  return kFamily;
}

}  // namespace pith::model
