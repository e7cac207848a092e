#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "gguf/value.h"

namespace pith::gguf {

static_assert(std::endian::native == std::endian::little,
              "GGUF files are little-endian, and their numbers and tensors are used as they lie");

/// Reads a file's bytes from front to back. Reading past the end throws Error(kFormat) naming the file, the item, its
/// offset, and the number of bytes left. The bytes and the path must outlive the reader. Not thread-safe.
class Reader {
 public:
  Reader(std::span<const std::byte> bytes, const std::string& path) noexcept : bytes_(bytes), path_(path) {}

  const std::string& path() const noexcept { return path_; }
  std::size_t offset() const noexcept { return offset_; }
  std::size_t left() const noexcept { return bytes_.size() - offset_; }

  std::uint32_t u32(std::string_view what) { return number<std::uint32_t>(what); }
  std::uint64_t u64(std::string_view what) { return number<std::uint64_t>(what); }
  /// Reads a 64-bit length and that many characters.
  std::string_view string(std::string_view what);
  /// Returns the next `count` bytes.
  std::span<const std::byte> take(std::uint64_t count, std::string_view what);
  /// Checks a stated count of items that take at least `bytes_each` bytes each. Throws if they cannot fit into the
  /// remaining bytes, so that the caller may allocate memory for the count.
  std::size_t count(std::uint64_t stated, std::size_t bytes_each, std::string_view what) const;
  /// Returns the bytes from `begin`, an earlier offset(), up to the present offset.
  std::span<const std::byte> since(std::size_t begin) const noexcept { return bytes_.subspan(begin, offset_ - begin); }

 private:
  template <typename T>
  T number(std::string_view what) {
    T value;
    std::memcpy(&value, take(sizeof(T), what).data(), sizeof(T));
    return value;
  }

  std::span<const std::byte> bytes_;
  const std::string& path_;
  std::size_t offset_ = 0;
};

/// Reads a value, including the type that precedes it. `key` is for messages. Throws Error(kFormat) for damaged values,
/// Error(kUnsupported) for arrays of arrays.
Value read_value(Reader& reader, std::string_view key);

}  // namespace pith::gguf
