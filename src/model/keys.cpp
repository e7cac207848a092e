#include "model/keys.h"

#include <algorithm>

#include "base/fail.h"

namespace pith::model {

Keys::Keys(const gguf::File& file, std::string_view architecture)
    : file_(&file), prefix_(std::string(architecture) + ".") {}

std::size_t Keys::count(std::string_view name, std::uint64_t max) const {
  const std::string key = name_of(name);
  return in_range(key, metadata().require<std::uint64_t>(key), max);
}

std::size_t Keys::count_or(std::string_view name, std::uint64_t fallback, std::uint64_t max) const {
  return has(name) ? count(name, max) : static_cast<std::size_t>(fallback);
}

std::size_t Keys::count_in(std::string_view name, std::uint64_t least, std::uint64_t max) const {
  const std::size_t value = count(name, max);
  if (value < least)
    fail(ErrorKind::kFormat, "{}: {} is {}, allowed are {} to {}", file_->path(), name_of(name), value, least, max);
  return value;
}

std::vector<std::int64_t> Keys::list_by_layer(const std::string& key, std::size_t layers) const {
  if (const std::size_t entries = metadata().find(key)->count; entries != layers) {
    fail(ErrorKind::kFormat, "{}: {} has {} entries, the model has {} layers", file_->path(), key, entries, layers);
  }
  return metadata().integers(key);
}

std::size_t Keys::count_by_layer(std::string_view name, std::size_t layers, std::uint64_t max) const {
  const std::string key = name_of(name);
  if (!metadata().is_array(key)) return count(name, max);
  const std::vector<std::int64_t> values = list_by_layer(key, layers);
  for (const std::int64_t value : values) {
    if (value < 0) fail(ErrorKind::kFormat, "{}: {} has {}, allowed are 1 to {}", file_->path(), key, value, max);
    if (value != values.front()) {
      fail(ErrorKind::kUnsupported, "{}: {} differs by layer ({} and {})", file_->path(), key, values.front(), value);
    }
  }
  return in_range(key, static_cast<std::uint64_t>(values.front()), max);
}

std::vector<std::size_t> Keys::counts_by_layer(std::string_view name, std::size_t layers, std::uint64_t least,
                                               std::uint64_t max) const {
  const std::string key = name_of(name);
  const std::vector<std::int64_t> values =
      metadata().is_array(key) ? list_by_layer(key, layers)
                               : std::vector<std::int64_t>(layers, metadata().require<std::int64_t>(key));
  std::vector<std::size_t> counts;
  counts.reserve(layers);
  for (const std::int64_t value : values) {
    if (value < 0 || static_cast<std::uint64_t>(value) < least || static_cast<std::uint64_t>(value) > max)
      fail(ErrorKind::kFormat, "{}: {} has {}, allowed are {} to {}", file_->path(), key, value, least, max);
    counts.push_back(static_cast<std::size_t>(value));
  }
  return counts;
}

std::size_t Keys::count_where_present(std::string_view name, std::size_t layers, std::uint64_t max) const {
  std::size_t common = 0;
  for (const std::size_t value : counts_by_layer(name, layers, 0, max)) {
    if (common != 0 && value != 0 && value != common) {
      fail(ErrorKind::kUnsupported, "{}: {} differs by layer ({} and {})", file_->path(), name_of(name), common, value);
    }
    common = std::max(common, value);
  }
  return in_range(name_of(name), common, max);
}

double Keys::real(std::string_view name, Range range) const {
  const std::string key = name_of(name);
  return in_range(key, metadata().require<double>(key), range);
}

double Keys::real_or(std::string_view name, double fallback, Range range) const {
  return has(name) ? real(name, range) : fallback;
}

std::optional<double> Keys::real_unless_zero(std::string_view name, Range range) const {
  if (metadata().get<double>(name_of(name)).value_or(0.0) == 0.0) return std::nullopt;
  return real(name, range);
}

float Keys::norm_epsilon(bool rms) const {
  // Wider than the values of any model, but narrow enough that nothing computed from them leaves float's range.
  constexpr Range kRange = {1e-12, 1.0};
  constexpr std::string_view kRms = "attention.layer_norm_rms_epsilon";
  constexpr std::string_view kLayer = "attention.layer_norm_epsilon";
  return static_cast<float>(real(rms && (has(kRms) || !has(kLayer)) ? kRms : kLayer, kRange));
}

std::string_view Keys::text_or(std::string_view name, std::string_view fallback) const {
  return metadata().get<std::string_view>(name_of(name)).value_or(fallback);
}

std::size_t Keys::in_range(const std::string& key, std::uint64_t value, std::uint64_t max) const {
  if (value == 0 || value > max)
    fail(ErrorKind::kFormat, "{}: {} is {}, allowed are 1 to {}", file_->path(), key, value, max);
  return static_cast<std::size_t>(value);
}

double Keys::in_range(const std::string& key, double value, Range range) const {
  if (!(value >= range.min && value <= range.max)) {
    fail(ErrorKind::kFormat, "{}: {} is {}, allowed are {} to {}", file_->path(), key, value, range.min, range.max);
  }
  return value;
}

}  // namespace pith::model
