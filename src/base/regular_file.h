#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>

namespace pith {

/// An open file for reading, of those that are neither folder nor pipe. What counts is the file that was opened: it
/// stays there if it is gone from its folder.
class RegularFile {
 public:
  RegularFile() noexcept = default;
  /// Throws Error(kIo) naming the path and the system's reason: missing, unreadable, a folder, no regular file.
  explicit RegularFile(const std::filesystem::path& path);
  ~RegularFile() { close(); }
  RegularFile(RegularFile&& other) noexcept
      : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)) {}
  RegularFile& operator=(RegularFile&& other) noexcept;

  bool is_open() const noexcept { return descriptor_ >= 0; }
  int descriptor() const noexcept { return descriptor_; }
  /// As given, for messages.
  const std::string& path() const noexcept { return path_; }
  /// In bytes, now. Throws Error(kIo).
  std::uint64_t size() const;
  /// Throws Error(kIo): path, what could not be done, and errno's reason.
  [[noreturn]] void fail_with_errno(const char* what) const;

 private:
  void close() noexcept;

  std::string path_;
  int descriptor_ = -1;
};

}  // namespace pith
