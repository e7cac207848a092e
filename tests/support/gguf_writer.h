#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "gguf/tensor_type.h"
#include "gguf/value.h"

namespace pith::test {

using Bytes = std::vector<std::byte>;

void append_bytes(Bytes& bytes, std::span<const std::byte> more);

/// Appends a number's bytes as they lie in memory.
template <typename T>
void append_number(Bytes& bytes, T value) {
  static_assert(std::is_arithmetic_v<T>);
  append_bytes(bytes, std::as_bytes(std::span(&value, 1)));
}

/// Appends a GGUF string: a 64-bit length, then the characters.
void append_string(Bytes& bytes, std::string_view text);

/// The GGUF type that a C++ type is written as.
template <typename T>
constexpr gguf::ValueType value_type_of() {
  using gguf::ValueType;
  if constexpr (std::is_same_v<T, bool>) return ValueType::kBool;
  if constexpr (std::is_same_v<T, float>) return ValueType::kFloat32;
  if constexpr (std::is_same_v<T, double>) return ValueType::kFloat64;
  if constexpr (std::is_same_v<T, std::uint8_t>) return ValueType::kUint8;
  if constexpr (std::is_same_v<T, std::int8_t>) return ValueType::kInt8;
  if constexpr (std::is_same_v<T, std::uint16_t>) return ValueType::kUint16;
  if constexpr (std::is_same_v<T, std::int16_t>) return ValueType::kInt16;
  if constexpr (std::is_same_v<T, std::uint32_t>) return ValueType::kUint32;
  if constexpr (std::is_same_v<T, std::int32_t>) return ValueType::kInt32;
  if constexpr (std::is_same_v<T, std::uint64_t>) return ValueType::kUint64;
  if constexpr (std::is_same_v<T, std::int64_t>) return ValueType::kInt64;
  return ValueType::kString;
}

/// Builds GGUF files in memory: valid ones and, through the public members and the *_raw calls, files that state
/// anything at all.
class GgufWriter {
 public:
  struct Tensor {
    std::string name;
    std::uint32_t type = 0;
    std::vector<std::uint64_t> dims;
    Bytes data;
    /// The offset that the list states; the true one if empty.
    std::optional<std::uint64_t> stated_offset;
  };

  std::string magic = "GGUF";
  std::uint32_t version = 3;
  /// The count that the header states; the true one if empty.
  std::optional<std::uint64_t> stated_tensors;
  std::optional<std::uint64_t> stated_keys;
  /// Alignment of the tensors' data. Only set_alignment() states it in the file.
  std::uint64_t alignment = 32;
  struct Key {
    std::string name;
    std::uint32_t type = 0;
    /// The bytes after the type; for an array, its elements' type and number come first.
    Bytes value;
  };

  /// In the order of add_tensor(); may be changed.
  std::vector<Tensor> tensors;
  /// In the order of add(); may be changed.
  std::vector<Key> keys;

  /// Adds a number or a boolean, by its C++ type.
  template <typename T, typename = std::enable_if_t<std::is_arithmetic_v<T>>>
  GgufWriter& add(std::string_view key, T value) {
    Bytes bytes;
    append_number(bytes, value);
    return add_raw(key, static_cast<std::uint32_t>(value_type_of<T>()), bytes);
  }
  GgufWriter& add(std::string_view key, std::string_view value);
  GgufWriter& add(std::string_view key, const char* value) { return add(key, std::string_view(value)); }

  template <typename T>
  GgufWriter& add_array(std::string_view key, const std::vector<T>& values) {
    Bytes bytes;
    append_number(bytes, static_cast<std::uint32_t>(value_type_of<T>()));
    append_number(bytes, std::uint64_t{values.size()});
    for (const T value : values) append_number(bytes, value);
    return add_raw(key, static_cast<std::uint32_t>(gguf::ValueType::kArray), bytes);
  }
  GgufWriter& add_array(std::string_view key, const std::vector<std::string>& values);

  /// Removes a key, so that another value can be added. Does nothing if it is absent.
  GgufWriter& remove(std::string_view key);

  /// Adds any type number and any bytes after it.
  GgufWriter& add_raw(std::string_view key, std::uint32_t type, std::span<const std::byte> value);

  /// Writes general.alignment and aligns the data accordingly.
  GgufWriter& set_alignment(std::uint32_t bytes);

  GgufWriter& add_tensor(std::string_view name, gguf::TensorType type, std::vector<std::uint64_t> dims, Bytes data);
  GgufWriter& add_tensor_raw(std::string_view name, std::uint32_t type, std::vector<std::uint64_t> dims, Bytes data);
  /// Adds a tensor of float32 elements.
  GgufWriter& add_tensor(std::string_view name, std::vector<std::uint64_t> dims, std::span<const float> values);

  /// Returns the whole file, padded at its end too.
  Bytes bytes() const;
  /// Returns what precedes the padding and the data.
  Bytes header() const;
  void write(const std::filesystem::path& path) const;

 private:
  std::vector<std::uint64_t> offsets() const;
};

/// Writes bytes to a file, replacing it.
void write_file(const std::filesystem::path& path, std::span<const std::byte> bytes);

}  // namespace pith::test
