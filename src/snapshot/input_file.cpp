#include "snapshot/input_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "base/fail.h"

namespace pith::snapshot {
namespace {

[[noreturn]] void fail_with_errno(const std::string& path, const char* what) {
  const std::string reason = std::generic_category().message(errno);
  fail(ErrorKind::kIo, "{}: cannot {}: {}", path, what, reason);
}

}  // namespace

InputFile::InputFile(const std::filesystem::path& path) : path_(path.string()) {
  // Non-blocking, so that a pipe is refused below instead of waited for.
  file_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file_ < 0) fail_with_errno(path_, "open the file");
  struct stat status {};
  const bool known = ::fstat(file_, &status) == 0;
  const int reason = errno;
  if (known && S_ISREG(status.st_mode)) {
    size_ = static_cast<std::uint64_t>(status.st_size);
    return;
  }
  ::close(file_);
  errno = reason;
  if (!known) fail_with_errno(path_, "read the file's size");
  fail(ErrorKind::kIo, "{}: is {}", path_, S_ISDIR(status.st_mode) ? "a folder, not a file" : "not a regular file");
}

InputFile::~InputFile() { ::close(file_); }

void InputFile::read(std::uint64_t at, std::span<std::byte> bytes) const {
  while (!bytes.empty()) {
    const ssize_t got = ::pread(file_, bytes.data(), bytes.size(), static_cast<off_t>(at));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail_with_errno(path_, "read the file");
    if (got == 0) fail(ErrorKind::kIo, "{}: ends at byte {}, {} bytes early", path_, at, bytes.size());
    at += static_cast<std::uint64_t>(got);
    bytes = bytes.subspan(static_cast<std::size_t>(got));
  }
}

}  // namespace pith::snapshot
