#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

#include "io/file_ops.h"

namespace pith::io {

/// Writes a file atomically: whenever the process or the machine stops, it exists completely or not at all. It is
/// written under another name in the same folder, synced, and renamed. A symbolic link in its place is replaced, not
/// followed; folders, devices, pipes and sockets are refused.
class AtomicFile {
 public:
  /// Creates the temporary file. Throws Error(kIo) naming path and reason, as all members do. `ops` must outlive the
  /// object.
  AtomicFile(std::filesystem::path path, const FileOps& ops);
  /// Removes the temporary file if it was not committed.
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::span<const std::byte> bytes);
  /// Gives the file these permissions. Without this call only its owner may read it.
  void set_permissions(std::filesystem::perms permissions);
  /// Puts the completely written file in its place.
  void commit();

 private:
  [[noreturn]] void fail_with_errno(const char* what) const;

  std::filesystem::path path_;
  std::filesystem::path folder_;
  const FileOps& ops_;
  /// Name of the temporary file; empty once there is none.
  std::string name_;
  int file_ = -1;
};

}  // namespace pith::io
