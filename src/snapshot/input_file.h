#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

namespace pith::snapshot {

/// A regular file, read where one likes.
class InputFile {
 public:
  /// Throws Error(kIo) naming path and reason: missing, no regular file.
  explicit InputFile(const std::filesystem::path& path);
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  const std::string& path() const { return path_; }
  /// When it was opened.
  std::uint64_t size() const { return size_; }
  /// All of `bytes`. Throws Error(kIo), also where the file has become shorter.
  void read(std::uint64_t at, std::span<std::byte> bytes) const;

 private:
  std::string path_;
  int file_ = -1;
  std::uint64_t size_ = 0;
};

}  // namespace pith::snapshot
