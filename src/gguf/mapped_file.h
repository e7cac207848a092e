#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

#include "base/regular_file.h"
#include "gguf/map_guard.h"

namespace pith::gguf {

/// A file mapped into memory for reading. The bytes stay at their address when the object is moved. If the file becomes
/// shorter, or its disk fails, zeros are read and check_read() reports it. Safe from any thread.
class MappedFile {
 public:
  MappedFile() noexcept = default;
  /// Throws Error(kIo) naming the path and the system's reason: missing, unreadable, a folder, not a regular file.
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;

  /// The whole file; empty for an empty file.
  std::span<const std::byte> bytes() const noexcept { return bytes_; }
  /// The path as given to the constructor, for messages.
  const std::string& path() const noexcept { return file_.path(); }
  bool holds(std::span<const std::byte> part) const noexcept;

  /// Throws Error(kIo) if the bytes read so far may differ from those at opening, because the file has become shorter
  /// or part of it could not be read.
  void check_read() const;
  /// Returns the memory of these bytes to the system. They are read from the file again when they are next used.
  void release(std::span<const std::byte> part) const noexcept;

 private:
  void unmap() noexcept;

  RegularFile file_;
  std::span<const std::byte> bytes_;
  MapGuard guard_;
};

}  // namespace pith::gguf
