#include "model/arch/windows.h"

#include <string>
#include <string_view>
#include <vector>

#include "base/fail.h"

namespace pith::model {
namespace {

constexpr std::string_view kPattern = "attention.sliding_window_pattern";
constexpr std::string_view kWindow = "attention.sliding_window";

std::vector<bool> windowed_layers(const gguf::File& file, const Keys& keys, std::size_t layers, std::uint64_t usual) {
  const gguf::Metadata& metadata = file.metadata();
  const std::string key = keys.name_of(kPattern);
  std::vector<bool> windowed(layers);
  if (!metadata.is_array(key)) {
    const std::uint64_t period = metadata.get<std::uint64_t>(key).value_or(usual);
    for (std::size_t i = 0; i < layers; ++i) windowed[i] = period == 0 || i % period != period - 1;
    return windowed;
  }
  const std::vector<std::int64_t> pattern = metadata.integers(key);
  if (pattern.size() != layers)
    fail(ErrorKind::kFormat, "{}: {} has {} entries for {} layers", file.path(), key, pattern.size(), layers);
  for (std::size_t i = 0; i < layers; ++i) {
    if (pattern[i] < 0 || pattern[i] > 1)
      fail(ErrorKind::kFormat, "{}: {}[{}] is {}, must be 0 or 1", file.path(), key, i, pattern[i]);
    windowed[i] = pattern[i] == 1;
  }
  return windowed;
}

}  // namespace

bool has_windows(const gguf::File& file, const Keys& keys) {
  return file.metadata().get<std::uint64_t>(keys.name_of(kWindow)).value_or(0) != 0;
}

void add_windows(const gguf::File& file, const Keys& keys, std::uint64_t period, std::size_t rope, ModelSpec& spec) {
  if (!has_windows(file, keys)) return;
  const std::size_t window = keys.count(kWindow, kContextMax);
  const std::vector<bool> windowed = windowed_layers(file, keys, spec.layers.size(), period);
  for (std::size_t i = 0; i < spec.layers.size(); ++i) {
    if (!windowed[i]) continue;
    spec.layers[i].attention.window = window;
    spec.layers[i].attention.rope = rope;
  }
}

std::size_t add_no_rope(ModelSpec& spec) {
  RopeParams none;
  none.pairs = spec.ropes.front().pairs;
  spec.ropes.push_back(none);
  return spec.ropes.size() - 1;
}

void without_rope(ModelSpec& spec) {
  const std::size_t none = add_no_rope(spec);
  for (LayerSpec& layer : spec.layers) layer.attention.rope = none;
}

}  // namespace pith::model
