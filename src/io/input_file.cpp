#include "io/input_file.h"

#include <unistd.h>

#include <cerrno>

#include "base/fail.h"

namespace pith::io {

InputFile::InputFile(const std::filesystem::path& path) : file_(path), size_(file_.size()) {}

void InputFile::read(std::uint64_t at, std::span<std::byte> bytes) const {
  while (!bytes.empty()) {
    const ssize_t got = ::pread(file_.descriptor(), bytes.data(), bytes.size(), static_cast<off_t>(at));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) file_.fail_with_errno("read the file");
    if (got == 0) fail(ErrorKind::kIo, "{}: ends at byte {}, {} bytes early", path(), at, bytes.size());
    at += static_cast<std::uint64_t>(got);
    bytes = bytes.subspan(static_cast<std::size_t>(got));
  }
}

}  // namespace pith::io
