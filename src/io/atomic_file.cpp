#include "io/atomic_file.h"

#include <cerrno>
#include <system_error>
#include <utility>

#include "base/fail.h"

namespace pith::io {

AtomicFile::AtomicFile(std::filesystem::path path, const FileOps& ops)
    : path_(std::move(path)), folder_(path_.has_parent_path() ? path_.parent_path() : "."), ops_(ops) {
  // Renaming would replace even /dev/null if root did it.
  std::error_code ignored;
  const std::filesystem::file_status there = std::filesystem::symlink_status(path_, ignored);
  if (std::filesystem::exists(there) && !std::filesystem::is_regular_file(there) &&
      !std::filesystem::is_symlink(there)) {
    fail(ErrorKind::kIo, "{}: is a folder, a device, a pipe or a socket; only files and links are replaced",
         path_.string());
  }
  // A fixed name: the file's own may already have the maximal length.
  std::string name = (folder_ / ".pith-snapshot-XXXXXX").string();
  file_ = ops_.create(name);
  if (file_ < 0) fail_with_errno("create a file beside it");
  name_ = std::move(name);
}

AtomicFile::~AtomicFile() {
  if (file_ >= 0) ops_.close(file_);
  if (!name_.empty()) ops_.remove(name_.c_str());
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ops_.write(file_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail_with_errno("write");
    if (written == 0) {
      errno = EIO;
      fail_with_errno("write");
    }
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void AtomicFile::set_permissions(std::filesystem::perms permissions) {
  if (ops_.change_mode(file_, static_cast<mode_t>(permissions)) != 0) fail_with_errno("set the permissions");
}

void AtomicFile::commit() {
  int result = 0;
  do {
    result = ops_.sync(file_);
  } while (result != 0 && errno == EINTR);
  if (result != 0) fail_with_errno("sync");
  // The descriptor is closed even if close() is interrupted.
  if (ops_.close(std::exchange(file_, -1)) != 0 && errno != EINTR) fail_with_errno("close");
  if (ops_.rename(name_.c_str(), path_.c_str()) != 0) fail_with_errno("rename a file to it");
  name_.clear();
  do {
    result = ops_.sync_folder(folder_.c_str());
  } while (result != 0 && errno == EINTR);
  if (result != 0) fail_with_errno("sync the folder of the file, which is written,");
}

void AtomicFile::fail_with_errno(const char* what) const {
  const std::string reason = std::generic_category().message(errno);
  fail(ErrorKind::kIo, "{}: cannot {}: {}", path_.string(), what, reason);
}

}  // namespace pith::io
