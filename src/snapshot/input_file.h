#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "base/regular_file.h"

namespace pith::snapshot {

/// A regular file, read where one likes.
class InputFile {
 public:
  /// Throws Error(kIo) naming path and reason: missing, no regular file.
  explicit InputFile(const std::filesystem::path& path);

  const std::string& path() const { return file_.path(); }
  /// When it was opened.
  std::uint64_t size() const { return size_; }
  /// All of `bytes`. Throws Error(kIo), also where the file has become shorter.
  void read(std::uint64_t at, std::span<std::byte> bytes) const;

 private:
  RegularFile file_;
  std::uint64_t size_;
};

}  // namespace pith::snapshot
