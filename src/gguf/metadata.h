#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gguf/value.h"

namespace pith::gguf {

/// A key and its value, both pointing into the mapped file.
struct MetadataEntry {
  std::string_view key;
  Value value;
};

/// A file's key-value store, with typed access. Views that it hands out live as long as the File. Immutable: safe from
/// any thread.
class Metadata {
 public:
  Metadata() = default;
  /// `path` is for messages. Throws Error(kFormat) if a key appears twice.
  Metadata(std::string path, std::vector<MetadataEntry> entries);

  bool has(std::string_view key) const noexcept { return find(key) != nullptr; }
  bool is_array(std::string_view key) const noexcept;
  /// Returns nullptr if the key is absent.
  const Value* find(std::string_view key) const noexcept;
  /// All entries, in the order of the file.
  std::span<const MetadataEntry> entries() const noexcept { return entries_; }

  /// Returns the value of a key, or nullopt if it is absent. T is bool, std::int32_t, std::uint32_t, std::int64_t,
  /// std::uint64_t, float, double or std::string_view. Accepts an integer of any width whose value fits, and a float of
  /// either width likewise. Throws Error(kFormat) naming the file, the key, the stated type and the wanted one
  /// otherwise.
  template <typename T>
  std::optional<T> get(std::string_view key) const;

  /// As get(), but throws Error(kFormat) naming the file and the key if it is absent.
  template <typename T>
  T require(std::string_view key) const;

  /// Return an array's elements, or nothing if the key is absent. Throw Error(kFormat) if the value is not an array or
  /// its elements are of another kind.
  std::vector<std::string_view> strings(std::string_view key) const;
  std::vector<float> floats(std::string_view key) const;
  /// Accepts any integer type, and booleans as 0 and 1.
  std::vector<std::int64_t> integers(std::string_view key) const;

 private:
  [[noreturn]] void wrong_type(std::string_view key, const Value& value, std::string_view wanted) const;
  [[noreturn]] void missing(std::string_view key) const;
  const Value* find_array(std::string_view key) const;

  std::string path_;
  std::vector<MetadataEntry> entries_;
  /// Indices into entries_, sorted by key.
  std::vector<std::size_t> by_key_;
};

template <typename T>
T Metadata::require(std::string_view key) const {
  if (const std::optional<T> value = get<T>(key)) return *value;
  missing(key);
}

}  // namespace pith::gguf
