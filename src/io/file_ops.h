#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>

namespace pith::io {

/// The system calls that write a snapshot, virtual so that tests can make each of them fail, write less than asked, or
/// be the last one before the process dies. Each returns what the call of its name returns, and sets errno.
class FileOps {
 public:
  virtual ~FileOps() = default;

  /// mkostemp(): a new file, readable by its owner only; `name` ends in XXXXXX and becomes its name.
  virtual int create(std::string& name) const;
  virtual ssize_t write(int file, const std::byte* data, std::size_t size) const;
  /// fchmod(): who else may read the file.
  virtual int change_mode(int file, mode_t mode) const;
  virtual int sync(int file) const;
  virtual int close(int file) const;
  virtual int rename(const char* from, const char* to) const;
  virtual int remove(const char* name) const;
  /// open() and fsync() of a folder: makes a preceding rename survive a power failure.
  virtual int sync_folder(const char* name) const;
};

}  // namespace pith::io
