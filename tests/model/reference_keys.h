#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gguf/file.h"

namespace pith::test {

/// The keys of one architecture, as the oracle reads them.
class ReferenceKeys {
 public:
  ReferenceKeys(const gguf::File& file, std::string_view architecture)
      : metadata_(file.metadata()), prefix_(std::string(architecture) + ".") {}

  bool has(const char* name) const { return metadata_.has(prefix_ + name); }
  std::size_t count(const char* name) const { return metadata_.require<std::uint64_t>(prefix_ + name); }
  std::size_t count(const char* name, std::size_t fallback) const {
    return metadata_.get<std::uint64_t>(prefix_ + name).value_or(fallback);
  }
  double real(const char* name, double fallback) const {
    return metadata_.get<double>(prefix_ + name).value_or(fallback);
  }
  bool flag(const char* name, bool fallback) const { return metadata_.get<bool>(prefix_ + name).value_or(fallback); }
  std::string_view text(const char* name, std::string_view fallback) const {
    return metadata_.get<std::string_view>(prefix_ + name).value_or(fallback);
  }
  /// Returns an array's elements; nothing if the value is a number or absent.
  std::vector<std::int64_t> list(const char* name) const {
    return metadata_.is_array(prefix_ + name) ? metadata_.integers(prefix_ + name) : std::vector<std::int64_t>();
  }

 private:
  const gguf::Metadata& metadata_;
  std::string prefix_;
};

}  // namespace pith::test
