#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace pith::gguf {

/// GGUF's types of metadata values, numbered as in the file.
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

/// Returns "uint32", "string", …; "type 77" for an unknown number.
std::string to_string(ValueType type);

/// Returns the size in bytes of a value of this type; 0 for strings, arrays and unknown numbers.
std::size_t fixed_size(ValueType type) noexcept;

bool is_integer(ValueType type) noexcept;
bool is_float(ValueType type) noexcept;

/// A metadata value in place in the file, checked: lengths are within the file, booleans are 0 or 1.
struct Value {
  ValueType type = ValueType::kUint8;
  /// For an array, the type of its elements (never kArray) and their number. Otherwise the value's own type and 1.
  ValueType element = ValueType::kUint8;
  std::size_t count = 1;
  /// The elements one after the other, little-endian and unaligned. A string has just its characters here; in an array
  /// of strings each is a 64-bit length and its characters.
  std::span<const std::byte> bytes;

  bool is_array() const noexcept { return type == ValueType::kArray; }
};

/// Returns "uint32" or "array of string".
std::string type_text(const Value& value);

/// Returns the value as readable text on one line of about `characters_max` characters at most: 32, "llama", [1, 2, 3,
/// …] (512).
std::string to_text(const Value& value, std::size_t characters_max = 60);

}  // namespace pith::gguf
