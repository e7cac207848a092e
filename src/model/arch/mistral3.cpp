#include <array>
#include <cmath>

#include "base/fail.h"
#include "model/arch/arch.h"

namespace pith::model {
namespace {

constexpr Range kTemperature = {1e-6, 1e3};
constexpr Range kLogMultiplier = {1e-6, 1e3};

/// A file that states yarn_log_multiplier m has magnitude (1 + 0.1 ln f) / (1 + 0.1 m ln f) for the factor f.
void divide_magnitude(const gguf::File& file, const Keys& keys, RopeParams& rope) {
  constexpr std::string_view kKey = "rope.scaling.yarn_log_multiplier";
  if (rope.scaling != RopeScaling::kYarn || rope.factor <= 1.0) return;
  if (file.metadata().get<double>(keys.name_of(kKey)).value_or(0.0) == 0.0) return;
  rope.attention_factor /= 1.0 + 0.1 * keys.real(kKey, kLogMultiplier) * std::log(rope.factor);
}

void adapt_mistral3(const gguf::File& file, const Keys& keys, ModelSpec& spec) {
  divide_magnitude(file, keys, spec.ropes.front());
  constexpr std::string_view kScale = "attention.temperature_scale";
  if (file.metadata().get<double>(keys.name_of(kScale)).value_or(0.0) == 0.0) return;
  for (LayerSpec& layer : spec.layers) {
    layer.attention.temperature_scale = static_cast<float>(keys.real(kScale, kTemperature));
    layer.attention.temperature_floor = static_cast<std::size_t>(spec.ropes.front().original_context);
  }
}

}  // namespace

/// Ministral 3: a llama whose queries grow with their position.
std::span<const Architecture> mistral3_family() {
  static constexpr std::array kFamily = {
      Architecture{"mistral3", {.pairs = RopePairs::kInterleaved, .experts = {.allowed = true}}, adapt_mistral3},
  };
  return kFamily;
}

}  // namespace pith::model
