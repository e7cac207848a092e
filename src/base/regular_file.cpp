#include "base/regular_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "base/fail.h"

namespace pith {

// Delegates to the default constructor, so that the destructor closes a file that is refused.
RegularFile::RegularFile(const std::filesystem::path& path) : RegularFile() {
  path_ = path.string();
  // Opens without blocking, so that size() refuses a pipe instead of waiting for a writer.
  descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor_ < 0) fail_with_errno("open the file");
  size();
}

RegularFile& RegularFile::operator=(RegularFile&& other) noexcept {
  if (this != &other) {
    close();
    path_ = std::move(other.path_);
    descriptor_ = std::exchange(other.descriptor_, -1);
  }
  return *this;
}

std::uint64_t RegularFile::size() const {
  struct stat status {};
  if (::fstat(descriptor_, &status) != 0) fail_with_errno("read the file's size");
  if (S_ISDIR(status.st_mode)) fail(ErrorKind::kIo, "{}: is a folder, not a file", path_);
  if (!S_ISREG(status.st_mode)) fail(ErrorKind::kIo, "{}: is not a regular file", path_);
  return static_cast<std::uint64_t>(status.st_size);
}

void RegularFile::fail_with_errno(const char* what) const {
  const std::string reason = std::generic_category().message(errno);
  fail(ErrorKind::kIo, "{}: cannot {}: {}", path_, what, reason);
}

void RegularFile::close() noexcept {
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = -1;
}

}  // namespace pith
