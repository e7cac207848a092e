#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gguf/value.h"

namespace pith::gguf {

/// A key and its value, both lying in the mapped file.
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
  /// nullptr if absent.
  const Value* find(std::string_view key) const noexcept;
  /// In the order of the file.
  std::span<const MetadataEntry> entries() const noexcept { return entries_; }

  /// The value of a key; nullopt if it is absent. T is bool, std::int32_t, std::uint32_t, std::int64_t, std::uint64_t,
  /// float, double or std::string_view. An integer of any width is taken where its value fits, a float of either width
  /// likewise; anything else throws Error(kFormat) naming file, key, the stated and the wanted type.
  template <typename T>
  std::optional<T> get(std::string_view key) const;

  /// The same, but throws Error(kFormat) naming the file and the key if it is absent.
  template <typename T>
  T require(std::string_view key) const;

  /// Arrays; empty if the key is absent. Throw Error(kFormat) if it is no array or the elements are of another kind.
  std::vector<std::string_view> strings(std::string_view key) const;
  std::vector<float> floats(std::string_view key) const;
  /// Of any integer type, or booleans as 0 and 1.
  std::vector<std::int64_t> integers(std::string_view key) const;

 private:
  [[noreturn]] void wrong_type(std::string_view key, const Value& value, std::string_view wanted) const;
  [[noreturn]] void missing(std::string_view key) const;
  const Value* find_array(std::string_view key) const;

  std::string path_;
  std::vector<MetadataEntry> entries_;
  /// Indices of entries_, sorted by key.
  std::vector<std::size_t> by_key_;
};

template <typename T>
T Metadata::require(std::string_view key) const {
  if (const std::optional<T> value = get<T>(key)) return *value;
  missing(key);
}

}  // namespace pith::gguf
