#include "gguf/metadata.h"

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstring>
#include <limits>
#include <numeric>
#include <type_traits>
#include <utility>

#include "base/fail.h"
#include "base/printable.h"
#include "gguf/reader.h"

namespace pith::gguf {
namespace {

template <typename T>
T load(const std::byte* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

/// A 64-bit integer of either sign, as GGUF can state it.
struct Integer {
  bool negative;
  /// Two's complement.
  std::uint64_t bits;
};

template <typename T>
Integer load_integer(const std::byte* bytes) {
  const T value = load<T>(bytes);
  return {std::cmp_less(value, 0), static_cast<std::uint64_t>(value)};
}

/// Loads an integer; booleans count as 0 and 1.
Integer load_integer(ValueType type, const std::byte* bytes) {
  switch (type) {
    case ValueType::kInt8:
      return load_integer<std::int8_t>(bytes);
    case ValueType::kUint16:
      return load_integer<std::uint16_t>(bytes);
    case ValueType::kInt16:
      return load_integer<std::int16_t>(bytes);
    case ValueType::kUint32:
      return load_integer<std::uint32_t>(bytes);
    case ValueType::kInt32:
      return load_integer<std::int32_t>(bytes);
    case ValueType::kUint64:
      return load_integer<std::uint64_t>(bytes);
    case ValueType::kInt64:
      return load_integer<std::int64_t>(bytes);
    default:
      return load_integer<std::uint8_t>(bytes);
  }
}

template <std::integral T>
bool fits(const Integer& value) {
  return value.negative ? std::in_range<T>(static_cast<std::int64_t>(value.bits)) : std::in_range<T>(value.bits);
}

/// Returns nullopt for a finite number outside T's range.
template <std::floating_point T>
std::optional<T> load_float(ValueType type, const std::byte* bytes) {
  if (type == ValueType::kFloat32) return static_cast<T>(load<float>(bytes));
  const auto value = load<double>(bytes);
  if (std::isfinite(value) && std::abs(value) > static_cast<double>(std::numeric_limits<T>::max())) return std::nullopt;
  return static_cast<T>(value);
}

template <typename T>
constexpr std::string_view wanted_name() {
  if constexpr (std::is_same_v<T, bool>) return "bool";
  if constexpr (std::is_same_v<T, std::int32_t>) return "an integer that fits into int32";
  if constexpr (std::is_same_v<T, std::uint32_t>) return "an integer that fits into uint32";
  if constexpr (std::is_same_v<T, std::int64_t>) return "an integer that fits into int64";
  if constexpr (std::is_same_v<T, std::uint64_t>) return "an integer that fits into uint64";
  if constexpr (std::is_same_v<T, float>) return "a float that fits into float32";
  if constexpr (std::is_same_v<T, double>) return "float32 or float64";
  return "string";
}

/// Returns nullopt if the value is of another type or does not fit.
template <typename T>
std::optional<T> convert(const Value& value) {
  if constexpr (std::is_same_v<T, bool>) {
    if (value.type == ValueType::kBool) return value.bytes.front() != std::byte{0};
  } else if constexpr (std::is_integral_v<T>) {
    if (is_integer(value.type)) {
      const Integer integer = load_integer(value.type, value.bytes.data());
      if (fits<T>(integer)) return static_cast<T>(integer.bits);
    }
  } else if constexpr (std::is_floating_point_v<T>) {
    if (is_float(value.type)) return load_float<T>(value.type, value.bytes.data());
  } else {
    if (value.type == ValueType::kString) {
      return std::string_view(reinterpret_cast<const char*>(value.bytes.data()), value.bytes.size());
    }
  }
  return std::nullopt;
}

}  // namespace

Metadata::Metadata(std::string path, std::vector<MetadataEntry> entries)
    : path_(std::move(path)), entries_(std::move(entries)), by_key_(entries_.size()) {
  std::iota(by_key_.begin(), by_key_.end(), std::size_t{0});
  std::sort(by_key_.begin(), by_key_.end(),
            [&](std::size_t a, std::size_t b) { return entries_[a].key < entries_[b].key; });
  const auto twice = std::adjacent_find(
      by_key_.begin(), by_key_.end(), [&](std::size_t a, std::size_t b) { return entries_[a].key == entries_[b].key; });
  if (twice != by_key_.end()) {
    fail(ErrorKind::kFormat, "{}: key {} appears twice", path_, printable(entries_[*twice].key));
  }
}

const Value* Metadata::find(std::string_view key) const noexcept {
  const auto at = std::lower_bound(by_key_.begin(), by_key_.end(), key,
                                   [&](std::size_t i, std::string_view k) { return entries_[i].key < k; });
  return at != by_key_.end() && entries_[*at].key == key ? &entries_[*at].value : nullptr;
}

bool Metadata::is_array(std::string_view key) const noexcept {
  const Value* value = find(key);
  return value != nullptr && value->is_array();
}

template <typename T>
std::optional<T> Metadata::get(std::string_view key) const {
  const Value* value = find(key);
  if (value == nullptr) return std::nullopt;
  std::optional<T> converted = convert<T>(*value);
  if (!converted) wrong_type(key, *value, wanted_name<T>());
  return converted;
}

template std::optional<bool> Metadata::get(std::string_view) const;
template std::optional<std::int32_t> Metadata::get(std::string_view) const;
template std::optional<std::uint32_t> Metadata::get(std::string_view) const;
template std::optional<std::int64_t> Metadata::get(std::string_view) const;
template std::optional<std::uint64_t> Metadata::get(std::string_view) const;
template std::optional<float> Metadata::get(std::string_view) const;
template std::optional<double> Metadata::get(std::string_view) const;
template std::optional<std::string_view> Metadata::get(std::string_view) const;

std::vector<std::string_view> Metadata::strings(std::string_view key) const {
  const Value* value = find_array(key);
  if (value == nullptr) return {};
  if (value->element != ValueType::kString) wrong_type(key, *value, "array of string");
  std::vector<std::string_view> result;
  result.reserve(value->count);
  // Lengths were checked, but somebody may have written to the file since.
  Reader reader(value->bytes, path_);
  for (std::size_t i = 0; i < value->count; ++i) {
    result.push_back(reader.string(key));
  }
  return result;
}

std::vector<float> Metadata::floats(std::string_view key) const {
  const Value* value = find_array(key);
  if (value == nullptr) return {};
  constexpr std::string_view kWanted = "array of floats that fit into float32";
  if (!is_float(value->element)) wrong_type(key, *value, kWanted);
  std::vector<float> result(value->count);
  const std::size_t size = fixed_size(value->element);
  for (std::size_t i = 0; i < result.size(); ++i) {
    const auto element = load_float<float>(value->element, value->bytes.data() + i * size);
    if (!element) wrong_type(key, *value, kWanted);
    result[i] = *element;
  }
  return result;
}

std::vector<std::int64_t> Metadata::integers(std::string_view key) const {
  const Value* value = find_array(key);
  if (value == nullptr) return {};
  constexpr std::string_view kWanted = "array of integers that fit into int64";
  if (!is_integer(value->element) && value->element != ValueType::kBool) wrong_type(key, *value, kWanted);
  std::vector<std::int64_t> result(value->count);
  const std::size_t size = fixed_size(value->element);
  for (std::size_t i = 0; i < result.size(); ++i) {
    const Integer integer = load_integer(value->element, value->bytes.data() + i * size);
    if (!fits<std::int64_t>(integer)) wrong_type(key, *value, kWanted);
    result[i] = static_cast<std::int64_t>(integer.bits);
  }
  return result;
}

const Value* Metadata::find_array(std::string_view key) const {
  const Value* value = find(key);
  if (value != nullptr && !value->is_array()) wrong_type(key, *value, "an array");
  return value;
}

void Metadata::wrong_type(std::string_view key, const Value& value, std::string_view wanted) const {
  fail(ErrorKind::kFormat, "{}: {} is {} {}, must be {}", path_, printable(key), type_text(value), to_text(value),
       wanted);
}

void Metadata::missing(std::string_view key) const {
  fail(ErrorKind::kFormat, "{}: key {} is missing", path_, printable(key));
}

}  // namespace pith::gguf
