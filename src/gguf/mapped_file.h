#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

#include "base/regular_file.h"
#include "gguf/map_guard.h"

namespace pith::gguf {

/// A file mapped into memory for reading. The bytes stay where they are when the object is moved. Safe from any thread.
/// Where the file becomes shorter meanwhile, or its disk fails, zeros are read, and check_read() says so.
class MappedFile {
 public:
  MappedFile() noexcept = default;
  /// Throws Error(kIo) naming the path and the system's reason: missing, unreadable, a folder, no regular file.
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;

  /// Empty for an empty file.
  std::span<const std::byte> bytes() const noexcept { return bytes_; }
  /// As given, for messages.
  const std::string& path() const noexcept { return file_.path(); }
  bool holds(std::span<const std::byte> part) const noexcept;

  /// Throws Error(kIo) if what was read so far may not be what the file held when it was opened: it has become shorter,
  /// or some of it could not be read.
  void check_read() const;
  /// Gives back the memory of bytes that are not needed soon; they are read from the file again if they are.
  void release(std::span<const std::byte> part) const noexcept;

 private:
  void unmap() noexcept;

  RegularFile file_;
  std::span<const std::byte> bytes_;
  MapGuard guard_;
};

}  // namespace pith::gguf
