#include "gguf/reader.h"

#include <algorithm>

#include "base/fail.h"
#include "base/printable.h"

namespace pith::gguf {
namespace {

constexpr std::size_t kStringHeaderBytes = sizeof(std::uint64_t);
/// Sixty times the largest vocabularies. A sparse file can state more entries at no cost to its author, so the number
/// of bytes in the file is not limit enough.
constexpr std::size_t kEntriesMax = std::size_t{1} << 24;

void check_bools(std::span<const std::byte> bytes, std::string_view key, const std::string& path) {
  const auto wrong = std::find_if(bytes.begin(), bytes.end(), [](std::byte b) { return b > std::byte{1}; });
  if (wrong == bytes.end()) return;
  fail(ErrorKind::kFormat, "{}: {} is a bool with value {}, must be 0 or 1", path, printable(key),
       std::to_integer<unsigned>(*wrong));
}

ValueType read_type(Reader& reader, std::string_view key) {
  const auto type = static_cast<ValueType>(reader.u32("the type of " + printable(key)));
  if (fixed_size(type) != 0 || type == ValueType::kString || type == ValueType::kArray) return type;
  fail(ErrorKind::kFormat, "{}: {} has value type {}, known are 0 to 12", reader.path(), printable(key),
       static_cast<std::uint32_t>(type));
}

Value read_array(Reader& reader, std::string_view key) {
  Value value;
  value.type = ValueType::kArray;
  value.element = read_type(reader, key);
  if (value.element == ValueType::kArray) {
    fail(ErrorKind::kUnsupported, "{}: {} is an array of arrays, which pith does not read", reader.path(),
         printable(key));
  }
  const std::string what = printable(key);
  const std::size_t element_bytes = fixed_size(value.element);
  const std::size_t bytes_each = element_bytes == 0 ? kStringHeaderBytes : element_bytes;
  value.count = reader.count(reader.u64("the length of " + what), bytes_each, what);
  if (value.count > kEntriesMax) {
    fail(ErrorKind::kFormat, "{}: {} has {} entries, at most {} are allowed", reader.path(), what, value.count,
         kEntriesMax);
  }
  if (element_bytes != 0) {
    value.bytes = reader.take(value.count * element_bytes, what);
    if (value.element == ValueType::kBool) check_bools(value.bytes, key, reader.path());
    return value;
  }
  const std::size_t begin = reader.offset();
  for (std::size_t i = 0; i < value.count; ++i) reader.string(what);
  value.bytes = reader.since(begin);
  return value;
}

}  // namespace

std::string_view Reader::string(std::string_view what) {
  const std::uint64_t length = u64(what);
  const auto characters = take(length, what);
  return {reinterpret_cast<const char*>(characters.data()), characters.size()};
}

std::span<const std::byte> Reader::take(std::uint64_t count, std::string_view what) {
  if (count > left()) {
    fail(ErrorKind::kFormat, "{}: {} at offset {} takes {} bytes, only {} are left", path_, what, offset_, count,
         left());
  }
  const auto taken = bytes_.subspan(offset_, static_cast<std::size_t>(count));
  offset_ += taken.size();
  return taken;
}

std::size_t Reader::count(std::uint64_t stated, std::size_t bytes_each, std::string_view what) const {
  if (stated > left() / bytes_each) {
    fail(ErrorKind::kFormat, "{}: {} at offset {} has {} entries of at least {} bytes, only {} bytes are left", path_,
         what, offset_, stated, bytes_each, left());
  }
  return static_cast<std::size_t>(stated);
}

Value read_value(Reader& reader, std::string_view key) {
  const ValueType type = read_type(reader, key);
  if (type == ValueType::kArray) return read_array(reader, key);
  Value value;
  value.type = type;
  value.element = type;
  const std::string what = printable(key);
  if (type == ValueType::kString) {
    value.bytes = std::as_bytes(std::span(reader.string(what)));
  } else {
    value.bytes = reader.take(fixed_size(type), what);
  }
  if (type == ValueType::kBool) check_bools(value.bytes, key, reader.path());
  return value;
}

}  // namespace pith::gguf
