#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "base/regular_file.h"

namespace pith::io {

/// A regular file with random access.
class InputFile {
 public:
  /// Throws Error(kIo) naming path and reason if it is missing or not a regular file.
  explicit InputFile(const std::filesystem::path& path);

  const std::string& path() const { return file_.path(); }
  /// Returns the size when the file was opened.
  std::uint64_t size() const { return size_; }
  /// Fills all of `bytes` from offset `at`. Throws Error(kIo), also if the file has become shorter.
  void read(std::uint64_t at, std::span<std::byte> bytes) const;

 private:
  RegularFile file_;
  std::uint64_t size_;
};

}  // namespace pith::io
