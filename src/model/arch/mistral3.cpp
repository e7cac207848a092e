#include <array>
#include <cmath>
#include <optional>

#include "model/arch/arch.h"

namespace pith::model {
namespace {

constexpr Range kTemperature = {1e-6, 1e3};
constexpr Range kLogMultiplier = {1e-6, 1e3};

/// A file that states yarn_log_multiplier m has magnitude (1 + 0.1 ln f) / (1 + 0.1 m ln f) for the factor f.
void divide_magnitude(const Keys& keys, RopeParams& rope) {
  if (rope.scaling != RopeScaling::kYarn || rope.factor <= 1.0) return;
  const double multiplier = keys.real_unless_zero("rope.scaling.yarn_log_multiplier", kLogMultiplier).value_or(0.0);
  rope.attention_factor /= 1.0 + 0.1 * multiplier * std::log(rope.factor);
}

void adapt_mistral3(const gguf::File&, const Keys& keys, ModelSpec& spec) {
  divide_magnitude(keys, spec.ropes.front());
  const std::optional<double> scale = keys.real_unless_zero("attention.temperature_scale", kTemperature);
  if (!scale) return;
  for (LayerSpec& layer : spec.layers) {
    layer.attention.temperature_scale = static_cast<float>(*scale);
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
