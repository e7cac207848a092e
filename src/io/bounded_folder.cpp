#include "io/bounded_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>
#include <vector>

#include "base/fail.h"

namespace pith::io {
namespace {

namespace fs = std::filesystem;

/// Held by the one process that adds to the folder.
class FolderLock {
 public:
  explicit FolderLock(const fs::path& path) : file_(::open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600)) {
    if (file_ < 0) fail(ErrorKind::kIo, "{}: cannot open: {}", path.string(), errno_text());
    while (::flock(file_, LOCK_EX) != 0) {
      if (errno == EINTR) continue;
      const std::string reason = errno_text();
      ::close(file_);
      fail(ErrorKind::kIo, "{}: cannot lock: {}", path.string(), reason);
    }
  }
  ~FolderLock() { ::close(file_); }
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  static std::string errno_text() { return std::generic_category().message(errno); }

  int file_;
};

struct File {
  fs::path path;
  std::uint64_t bytes;
  fs::file_time_type used;
};

/// Returns the files whose names `wanted` accepts. Others come and go meanwhile.
template <typename Wanted>
std::vector<File> files_of(const fs::path& folder, const Wanted& wanted) {
  std::vector<File> files;
  std::error_code error;
  for (fs::directory_iterator each(folder, error), end; !error && each != end; each.increment(error)) {
    if (!wanted(each->path().filename().string())) continue;
    std::error_code gone;
    const std::uint64_t bytes = each->file_size(gone);
    const fs::file_time_type used = gone ? fs::file_time_type{} : each->last_write_time(gone);
    if (!gone) files.push_back({each->path(), bytes, used});
  }
  if (error) fail(ErrorKind::kIo, "{}: cannot list: {}", folder.string(), error.message());
  return files;
}

}  // namespace

BoundedFolder::BoundedFolder(fs::path folder, std::string ending, std::string temporary, std::uint64_t bytes_max)
    : folder_(std::move(folder)), ending_(std::move(ending)), temporary_(std::move(temporary)), bytes_max_(bytes_max) {
  std::error_code error;
  fs::create_directories(folder_, error);
  if (error) fail(ErrorKind::kIo, "{}: cannot make the folder: {}", folder_.string(), error.message());
  const FolderLock lock(folder_ / ".lock");
  make_room(0);
}

fs::path BoundedFolder::path_of(std::string_view name) const { return folder_ / (std::string(name) + ending_); }

std::unordered_set<std::string> BoundedFolder::names() const {
  std::unordered_set<std::string> names;
  for (const File& file : files_of(folder_, [&](const std::string& name) { return name.ends_with(ending_); }))
    names.insert(file.path.stem().string());
  return names;
}

void BoundedFolder::touch(std::string_view name) const noexcept {
  ::utimensat(AT_FDCWD, path_of(name).c_str(), nullptr, 0);
}

void BoundedFolder::remove(std::string_view name) const noexcept {
  std::error_code gone;
  fs::remove(path_of(name), gone);
}

void BoundedFolder::make_room(std::uint64_t bytes) const {
  const auto unfinished = [&](const std::string& name) { return name.starts_with(temporary_); };
  std::error_code gone;
  for (const File& file : files_of(folder_, unfinished)) fs::remove(file.path, gone);
  std::vector<File> files = files_of(folder_, [&](const std::string& name) { return name.ends_with(ending_); });
  std::uint64_t held = 0;
  for (const File& file : files) held += file.bytes;
  std::sort(files.begin(), files.end(), [](const File& a, const File& b) { return a.used < b.used; });
  for (auto oldest = files.begin(); oldest != files.end() && held + bytes > bytes_max_; ++oldest) {
    fs::remove(oldest->path, gone);
    held -= oldest->bytes;
  }
}

bool BoundedFolder::add(std::uint64_t bytes, const std::function<void()>& write) const {
  if (bytes > bytes_max_) return false;
  const FolderLock lock(folder_ / ".lock");
  make_room(bytes);
  write();
  return true;
}

BoundedFolder::Use BoundedFolder::use() const {
  Use use;
  for (const File& file : files_of(folder_, [&](const std::string& name) { return name.ends_with(ending_); })) {
    ++use.files;
    use.bytes += file.bytes;
  }
  return use;
}

}  // namespace pith::io
