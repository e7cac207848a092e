#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>

namespace pith {

/// An open regular file (no folder, no pipe), for reading. It stays readable after its name has been removed from the
/// folder.
class RegularFile {
 public:
  RegularFile() noexcept = default;
  /// Throws Error(kIo) naming the path and the system's reason: missing, unreadable, a folder, not a regular file.
  explicit RegularFile(const std::filesystem::path& path);
  ~RegularFile() { close(); }
  RegularFile(RegularFile&& other) noexcept
      : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)) {}
  RegularFile& operator=(RegularFile&& other) noexcept;

  bool is_open() const noexcept { return descriptor_ >= 0; }
  int descriptor() const noexcept { return descriptor_; }
  /// The path as given to the constructor, for messages.
  const std::string& path() const noexcept { return path_; }
  /// Returns the present size in bytes. Throws Error(kIo).
  std::uint64_t size() const;
  /// Throws Error(kIo) naming the path, the operation that failed, and the reason that errno gives.
  [[noreturn]] void fail_with_errno(const char* what) const;

 private:
  void close() noexcept;

  std::string path_;
  int descriptor_ = -1;
};

}  // namespace pith
