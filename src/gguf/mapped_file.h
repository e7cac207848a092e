#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

namespace pith::gguf {

/// A file mapped into memory for reading. The bytes stay where they are when the object is moved. Safe from any thread.
/// The file must not be shortened by another process meanwhile: the system answers reads past its end with a signal.
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

 private:
  void release() noexcept;

  std::span<const std::byte> bytes_;
};

}  // namespace pith::gguf
