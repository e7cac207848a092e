#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace pith::io {

static_assert(std::endian::native == std::endian::little,
              "snapshots are little-endian, and pages are kept as they lie");

template <typename T>
concept Number = std::is_arithmetic_v<T> && !std::is_same_v<T, bool>;

/// Writes numbers, texts and arrays one after another without gaps: the content of a record of fields.
class FieldWriter {
 public:
  template <Number T>
  void put(T value) {
    append(&value, sizeof value);
  }
  void put_flag(bool value) { put(static_cast<std::uint8_t>(value ? 1 : 0)); }
  /// Writes the length (u64), then the bytes.
  void put_text(std::string_view text) {
    put(static_cast<std::uint64_t>(text.size()));
    append(text.data(), text.size());
  }
  /// Writes the count (u64), then the values.
  template <typename T>
  void put_array(std::span<const T> values) {
    static_assert(std::is_trivially_copyable_v<T>);
    put(static_cast<std::uint64_t>(values.size()));
    append(values.data(), values.size_bytes());
  }
  template <typename T>
  void put_array(const std::vector<T>& values) {
    put_array(std::span<const T>(values));
  }
  /// Writes the bytes alone.
  void put_bytes(std::span<const std::byte> bytes) { append(bytes.data(), bytes.size()); }
  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  void append(const void* from, std::size_t size) {
    if (size == 0) return;
    const std::size_t at = bytes_.size();
    bytes_.resize(at + size);
    std::memcpy(bytes_.data() + at, from, size);
  }

  std::vector<std::byte> bytes_;
};

/// Writes a size as 64 bits.
inline void put_count(FieldWriter& fields, std::size_t count) { fields.put(static_cast<std::uint64_t>(count)); }

/// Reads fields back. Throws Error(kFormat) that says where and why for everything that does not fit. Allocates no more
/// than the record has bytes for.
class FieldReader {
 public:
  /// `where` (file and record) starts every message.
  FieldReader(std::span<const std::byte> bytes, std::string where) : left_(bytes), where_(std::move(where)) {}

  template <Number T>
  T get(std::string_view field) {
    T value{};
    std::memcpy(&value, take(field, sizeof value), sizeof value);
    return value;
  }
  /// Reads a number in [least, most].
  template <Number T>
  T get(std::string_view field, T least, T most) {
    const T value = get<T>(field);
    if (!(value >= least && value <= most)) refuse_range(field, std::to_string(value), least, most);
    return value;
  }
  bool get_flag(std::string_view field) { return get<std::uint8_t>(field, 0, 1) == 1; }
  std::string get_text(std::string_view field) {
    const std::size_t size = count(field, 1);
    return {reinterpret_cast<const char*>(take(field, size)), size};
  }
  template <typename T>
  std::vector<T> get_array(std::string_view field) {
    static_assert(std::is_trivially_copyable_v<T>);
    std::vector<T> values(count(field, sizeof(T)));
    copy(field, values.data(), values.size() * sizeof(T));
    return values;
  }
  /// Reads an array of exactly values.size() values.
  template <typename T>
  void fill(std::string_view field, std::vector<T>& values) {
    static_assert(std::is_trivially_copyable_v<T>);
    const std::size_t size = count(field, sizeof(T));
    if (size != values.size()) refuse_range(field, std::to_string(size) + " values", values.size(), values.size());
    copy(field, values.data(), size * sizeof(T));
  }
  /// Throws if bytes are left.
  void end() const;

  [[noreturn]] void refuse(std::string_view reason) const;

 private:
  template <typename T>
  [[noreturn]] void refuse_range(std::string_view field, const std::string& value, T least, T most) const {
    refuse(std::string(field) + " is " + value + ", allowed are " + std::to_string(least) + " to " +
           std::to_string(most));
  }
  const std::byte* take(std::string_view field, std::size_t size);
  /// Reads a count of values of `size` bytes, and throws unless all of them are there.
  std::size_t count(std::string_view field, std::size_t size);
  void copy(std::string_view field, void* to, std::size_t size) {
    if (size != 0) std::memcpy(to, take(field, size), size);
  }

  std::span<const std::byte> left_;
  std::string where_;
};

}  // namespace pith::io
