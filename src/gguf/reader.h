#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "gguf/value.h"

namespace pith::gguf {

/// Walks through a file's bytes from front to back; reading past the end throws Error(kFormat) naming the file, what
/// was to be read, where, and how much is there. The bytes and the path must outlive it. Not thread-safe.
class Reader {
 public:
  Reader(std::span<const std::byte> bytes, const std::string& path) noexcept : bytes_(bytes), path_(path) {}

  const std::string& path() const noexcept { return path_; }
  std::size_t offset() const noexcept { return offset_; }
  std::size_t left() const noexcept { return bytes_.size() - offset_; }

  std::uint32_t u32(std::string_view what) { return number<std::uint32_t>(what); }
  std::uint64_t u64(std::string_view what) { return number<std::uint64_t>(what); }
  /// A 64-bit length and that many characters.
  std::string_view string(std::string_view what);
  /// The next `count` bytes.
  std::span<const std::byte> take(std::uint64_t count, std::string_view what);
  /// A count of things that take at least `bytes_each` bytes: more than fit into what is left are refused, so that a
  /// count may size memory afterwards.
  std::size_t count(std::uint64_t stated, std::size_t bytes_each, std::string_view what) const;
  /// What lies between `begin`, an earlier offset(), and here.
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

/// Reads a value of the stated type. `key` is for messages. Throws Error(kFormat) for what is damaged,
/// Error(kUnsupported) for arrays of arrays.
Value read_value(Reader& reader, std::string_view key);

}  // namespace pith::gguf
