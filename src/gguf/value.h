#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace pith::gguf {

/// GGUF's types of metadata values, by their numbers in the file.
enum class ValueType : std::uint32_t {
  kUint8 = 0,
  kInt8 = 1,
  kUint16 = 2,
  kInt16 = 3,
  kUint32 = 4,
  kInt32 = 5,
  kFloat32 = 6,
  kBool = 7,
  kString = 8,
  kArray = 9,
  kUint64 = 10,
  kInt64 = 11,
  kFloat64 = 12,
};

/// "uint32", "string", …; "type 77" for a number that is no type.
std::string to_string(ValueType type);

/// Bytes of a value of a fixed size; 0 for strings, arrays and numbers that are no type.
std::size_t fixed_size(ValueType type) noexcept;

bool is_integer(ValueType type) noexcept;
bool is_float(ValueType type) noexcept;

/// A metadata value where it lies in the file, checked: lengths are within the file, booleans are 0 or 1.
struct Value {
  ValueType type = ValueType::kUint8;
  /// Of an array: its elements' type (never kArray) and number. Otherwise the value's own type and 1.
  ValueType element = ValueType::kUint8;
  std::size_t count = 1;
  /// Elements one after the other, little-endian and unaligned; a string's characters; of an array of strings, each as
  /// a 64-bit length and its characters.
  std::span<const std::byte> bytes;

  bool is_array() const noexcept { return type == ValueType::kArray; }
};

/// "uint32" or "array of string".
std::string type_text(const Value& value);

/// The value for people to read, on one line and about `characters_max` characters at most: 32, "llama", [1, 2, 3, …]
/// (512).
std::string to_text(const Value& value, std::size_t characters_max = 60);

}  // namespace pith::gguf
