#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

#include "snapshot/file_ops.h"

namespace pith::snapshot {

/// A file that is there as a whole or not at all, whenever the process or the machine stops: it is written beside its
/// place under another name, synced, and renamed. A link in its place is replaced, not followed; folders, devices,
/// pipes and sockets are not replaced.
class AtomicFile {
 public:
  /// Throws Error(kIo) naming path and reason, as all members do. The calls must outlive it.
  AtomicFile(std::filesystem::path path, const FileOps& ops);
  /// Removes what was not committed.
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::span<const std::byte> bytes);
  /// All is written: puts the file in its place.
  void commit();

 private:
  [[noreturn]] void fail_with_errno(const char* what) const;

  std::filesystem::path path_;
  std::filesystem::path folder_;
  const FileOps& ops_;
  /// Of the temporary file; empty once there is none.
  std::string name_;
  int file_ = -1;
};

}  // namespace pith::snapshot
