#include "io/file_ops.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

namespace pith::io {

int FileOps::create(std::string& name) const { return ::mkostemp(name.data(), O_CLOEXEC); }

ssize_t FileOps::write(int file, const std::byte* data, std::size_t size) const { return ::write(file, data, size); }

int FileOps::change_mode(int file, mode_t mode) const { return ::fchmod(file, mode); }

int FileOps::sync(int file) const { return ::fsync(file); }

int FileOps::close(int file) const { return ::close(file); }

int FileOps::rename(const char* from, const char* to) const { return std::rename(from, to); }

int FileOps::remove(const char* name) const { return ::unlink(name); }

int FileOps::sync_folder(const char* name) const {
  const int folder = ::open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return -1;
  const int result = ::fsync(folder);
  const int reason = errno;
  ::close(folder);
  errno = reason;
  return result;
}

}  // namespace pith::io
