#include <array>
#include <cmath>
#include <vector>

#include "base/fail.h"
#include "model/arch/arch.h"

namespace pith::model {
namespace {

constexpr std::uint64_t kPeriodDefault = 6;
constexpr std::size_t kLayers27B = 62;
constexpr std::string_view kPattern = "attention.sliding_window_pattern";
/// Allowed range; a file may also state 0, which means no cap.
constexpr Range kSoftcap = {1e-3, 1e6};

/// Returns which layers have a window. The file states it by layer, or as a period n: every n-th layer has none (0:
/// every layer has one).
std::vector<bool> windowed_layers(const gguf::File& file, const Keys& keys, std::size_t layers) {
  const gguf::Metadata& metadata = file.metadata();
  const std::string key = keys.name_of(kPattern);
  std::vector<bool> windowed(layers);
  if (!metadata.is_array(key)) {
    const std::uint64_t period = metadata.get<std::uint64_t>(key).value_or(kPeriodDefault);
    for (std::size_t i = 0; i < layers; ++i) windowed[i] = period == 0 || i % period != period - 1;
    return windowed;
  }
  const std::vector<std::int64_t> pattern = metadata.integers(key);
  if (pattern.size() != layers) {
    fail(ErrorKind::kFormat, "{}: {} has {} entries for {} layers", file.path(), key, pattern.size(), layers);
  }
  for (std::size_t i = 0; i < layers; ++i) {
    if (pattern[i] < 0 || pattern[i] > 1)
      fail(ErrorKind::kFormat, "{}: {}[{}] is {}, must be 0 or 1", file.path(), key, i, pattern[i]);
    windowed[i] = pattern[i] == 1;
  }
  return windowed;
}

/// Returns the 27B model's attention scale: it alone uses embedding size / heads in place of the head size.
float scale_27b(const gguf::File& file, const ModelSpec& spec) {
  const std::size_t heads = spec.layers.front().attention.heads;
  if (spec.hidden_size < heads) {
    fail(ErrorKind::kFormat, "{}: gemma3.embedding_length is {}, must be at least attention.head_count {}", file.path(),
         spec.hidden_size, heads);
  }
  const std::size_t size = spec.hidden_size / heads;
  return 1.0F / std::sqrt(static_cast<float>(size));
}

/// Windowed layers have a RoPE of their own, with another base and never scaled.
void add_windows(const gguf::File& file, const Keys& keys, ModelSpec& spec) {
  const std::size_t window = keys.count("attention.sliding_window", kContextMax);
  RopeParams local = spec.ropes.front();
  local.base = keys.real_or("rope.freq_base_swa", 10000.0, kRopeBase);
  local.scaling = RopeScaling::kNone;
  local.factor = 1.0;
  local.frequency_factors = false;
  spec.ropes.push_back(local);
  const std::vector<bool> windowed = windowed_layers(file, keys, spec.layers.size());
  for (std::size_t i = 0; i < spec.layers.size(); ++i) {
    if (!windowed[i]) continue;
    spec.layers[i].attention.window = window;
    spec.layers[i].attention.rope = spec.ropes.size() - 1;
  }
}

void adapt_gemma3(const gguf::File& file, const Keys& keys, ModelSpec& spec) {
  spec.embedding_scale = std::sqrt(static_cast<float>(spec.hidden_size));
  if (spec.layers.size() == kLayers27B) {
    const float scale = scale_27b(file, spec);
    for (LayerSpec& layer : spec.layers) layer.attention.scale = scale;
  }
  const std::string softcap_key = keys.name_of("final_logit_softcapping");
  if (file.metadata().get<double>(softcap_key).value_or(0.0) != 0.0)
    spec.logit_softcap = static_cast<float>(keys.real("final_logit_softcapping", kSoftcap));
  if (file.metadata().get<std::uint64_t>(keys.name_of("attention.sliding_window")).value_or(0) != 0)
    add_windows(file, keys, spec);
}

}  // namespace

/// Gemma 3 (2503.19786): five sliding-window layers per global layer, each kind with its own RoPE base; norms before
/// and after both blocks; normalized queries and keys; scaled embeddings. Files store norm weights with 1 already
/// added.
std::span<const Architecture> gemma3_family() {
  static constexpr std::array kFamily = {
      Architecture{
          "gemma3", {.query_key_norm = true, .post_norms = true, .activation = Activation::kGelu}, adapt_gemma3},
  };
  return kFamily;
}

}  // namespace pith::model
