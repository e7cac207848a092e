#include "gguf/value.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/printable.h"

namespace pith::gguf {
namespace {

struct Row {
  std::string_view name;
  std::size_t size;
};

/// Indexed by ValueType.
constexpr std::array<Row, 13> kTable = {{
    {"uint8", 1},
    {"int8", 1},
    {"uint16", 2},
    {"int16", 2},
    {"uint32", 4},
    {"int32", 4},
    {"float32", 4},
    {"bool", 1},
    {"string", 0},
    {"array", 0},
    {"uint64", 8},
    {"int64", 8},
    {"float64", 8},
}};

template <typename T>
std::string number_text(const std::byte* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof value);
  return fmt::format("{}", value);
}

std::string element_text(ValueType type, const std::byte* bytes) {
  switch (type) {
    case ValueType::kUint8:
      return number_text<std::uint8_t>(bytes);
    case ValueType::kInt8:
      return number_text<std::int8_t>(bytes);
    case ValueType::kUint16:
      return number_text<std::uint16_t>(bytes);
    case ValueType::kInt16:
      return number_text<std::int16_t>(bytes);
    case ValueType::kUint32:
      return number_text<std::uint32_t>(bytes);
    case ValueType::kInt32:
      return number_text<std::int32_t>(bytes);
    case ValueType::kFloat32:
      return number_text<float>(bytes);
    case ValueType::kBool:
      return *bytes == std::byte{0} ? "false" : "true";
    case ValueType::kUint64:
      return number_text<std::uint64_t>(bytes);
    case ValueType::kInt64:
      return number_text<std::int64_t>(bytes);
    case ValueType::kFloat64:
      return number_text<double>(bytes);
    case ValueType::kString:
    case ValueType::kArray:
      break;
  }
  return {};
}

std::string quoted(std::span<const std::byte> bytes, std::size_t characters_max) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return "\"" + printable(text, characters_max) + "\"";
}

std::string array_text(const Value& value, std::size_t characters_max) {
  std::string text = "[";
  std::span<const std::byte> rest = value.bytes;
  for (std::size_t i = 0; i < value.count; ++i) {
    if (i != 0) text += ", ";
    if (text.size() >= characters_max) return fmt::format("{}…] ({})", text, value.count);
    std::size_t size = fixed_size(value.element);
    if (value.element == ValueType::kString) {
      // Lengths were checked, but somebody may have written to the file since.
      std::uint64_t length = 0;
      if (rest.size() < sizeof length) break;
      std::memcpy(&length, rest.data(), sizeof length);
      rest = rest.subspan(sizeof length);
      size = static_cast<std::size_t>(std::min<std::uint64_t>(length, rest.size()));
      text += quoted(rest.first(size), characters_max - text.size());
    } else {
      text += element_text(value.element, rest.data());
    }
    rest = rest.subspan(size);
  }
  return text + "]";
}

}  // namespace

std::string to_string(ValueType type) {
  const auto id = static_cast<std::size_t>(type);
  return id < kTable.size() ? std::string(kTable[id].name) : fmt::format("type {}", id);
}

std::size_t fixed_size(ValueType type) noexcept {
  const auto id = static_cast<std::size_t>(type);
  return id < kTable.size() ? kTable[id].size : 0;
}

bool is_float(ValueType type) noexcept { return type == ValueType::kFloat32 || type == ValueType::kFloat64; }

bool is_integer(ValueType type) noexcept {
  return fixed_size(type) != 0 && !is_float(type) && type != ValueType::kBool;
}

std::string type_text(const Value& value) {
  return value.is_array() ? "array of " + to_string(value.element) : to_string(value.type);
}

std::string to_text(const Value& value, std::size_t characters_max) {
  if (value.is_array()) return array_text(value, characters_max);
  if (value.type == ValueType::kString) return quoted(value.bytes, characters_max);
  return element_text(value.type, value.bytes.data());
}

}  // namespace pith::gguf
