#pragma once

#include <pith/error.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

// What fuzz targets share: reading an input as numbers and texts, and reporting violations (docs/fuzzing.md).
namespace pith::fuzz {

/// Reports a violation by ending the process, so that the fuzzer or the test keeps the input.
[[noreturn]] void broken(std::string_view what);

inline void require(bool holds, std::string_view what) {
  if (!holds) broken(what);
}

/// Checks what every failure of the library must be: not kInternal, and a message of one non-empty line.
void check_error(const Error& error);

/// Returns whether a call was refused with a proper failure. Anything else that it throws escapes, and ends the
/// process.
template <typename Call>
bool refused(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    check_error(error);
    return true;
  }
  return false;
}

/// Reads an input from front to back. Reads past the end give zeros or nothing.
class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : left_(std::as_bytes(std::span(data, size))) {}

  template <typename T>
  T number() {
    static_assert(std::is_arithmetic_v<T>);
    T value{};
    const std::span<const std::byte> from = bytes(sizeof value);
    if (!from.empty()) std::memcpy(&value, from.data(), from.size());
    return value;
  }
  /// Returns a number below `count`, which is at most 256.
  std::size_t below(std::size_t count) { return number<std::uint8_t>() % count; }
  bool flag() { return below(2) != 0; }
  /// Returns as many bytes as there are, up to `count`.
  std::span<const std::byte> bytes(std::size_t count) {
    const std::span<const std::byte> taken = left_.first(count < left_.size() ? count : left_.size());
    left_ = left_.subspan(taken.size());
    return taken;
  }
  /// Returns a text: a length in 16 bits, then that many characters.
  std::string_view text() { return characters(number<std::uint16_t>()); }
  std::string_view rest() { return characters(left_.size()); }
  bool empty() const { return left_.empty(); }

 private:
  std::string_view characters(std::size_t count) {
    const std::span<const std::byte> taken = bytes(count);
    return {reinterpret_cast<const char*>(taken.data()), taken.size()};
  }

  std::span<const std::byte> left_;
};

/// Bytes as a file in memory, for functions that read files by name.
class MemoryFile {
 public:
  explicit MemoryFile(std::span<const std::byte> bytes);
  ~MemoryFile();
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  const std::string& path() const { return path_; }

 private:
  int file_;
  std::string path_;
};

}  // namespace pith::fuzz
