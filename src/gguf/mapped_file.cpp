#include "gguf/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <functional>
#include <system_error>
#include <utility>

#include "base/fail.h"

namespace pith::gguf {
namespace {

[[noreturn]] void fail_with_errno(const std::string& path, const char* what) {
  const std::string reason = std::generic_category().message(errno);
  fail(ErrorKind::kIo, "{}: cannot {}: {}", path, what, reason);
}

std::size_t size_of(int descriptor, const std::string& path) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) fail_with_errno(path, "read the file's size");
  if (S_ISDIR(status.st_mode)) fail(ErrorKind::kIo, "{}: is a folder, not a file", path);
  if (!S_ISREG(status.st_mode)) fail(ErrorKind::kIo, "{}: is not a regular file", path);
  return static_cast<std::size_t>(status.st_size);
}

}  // namespace

MappedFile::MappedFile(const std::filesystem::path& path) : path_(path.string()) {
  // A file that is gone from its folder is still there: what counts is the one that was opened.
  // Non-blocking, so that a pipe is refused below instead of waited for.
  descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor_ < 0) fail_with_errno(path_, "open the file");
  try {
    const std::size_t size = size_of(descriptor_, path_);
    if (size == 0) return;
    void* address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor_, 0);
    if (address == MAP_FAILED) fail_with_errno(path_, "map the file");
    bytes_ = {static_cast<const std::byte*>(address), size};
    guard_ = MapGuard(bytes_);
  } catch (...) {
    close();
    throw;
  }
}

MappedFile::~MappedFile() { close(); }

MappedFile::MappedFile(MappedFile&& other) noexcept
    : path_(std::move(other.path_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      bytes_(std::exchange(other.bytes_, {})),
      guard_(std::move(other.guard_)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  if (this != &other) {
    close();
    path_ = std::move(other.path_);
    descriptor_ = std::exchange(other.descriptor_, -1);
    bytes_ = std::exchange(other.bytes_, {});
    guard_ = std::move(other.guard_);
  }
  return *this;
}

bool MappedFile::holds(std::span<const std::byte> part) const noexcept {
  const std::less_equal<const std::byte*> not_after;
  return !part.empty() && not_after(bytes_.data(), part.data()) &&
         not_after(part.data() + part.size(), bytes_.data() + bytes_.size());
}

void MappedFile::check_read() const {
  if (descriptor_ < 0) return;
  // The end of the last page is read as zeros, and without a signal, where a file is cut within it.
  const std::size_t size = size_of(descriptor_, path_);
  if (size < bytes_.size()) {
    fail(ErrorKind::kIo, "{}: has become shorter while it was read: {} bytes, {} when it was opened", path_, size,
         bytes_.size());
  }
  if (guard_.lost()) fail(ErrorKind::kIo, "{}: could not be read: its disk failed, or it was rewritten", path_);
}

void MappedFile::release(std::span<const std::byte> part) const noexcept {
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto address = reinterpret_cast<std::uintptr_t>(part.data());
  const auto begin = (address + page - 1) / page * page;
  const auto end = (address + part.size()) / page * page;
  if (begin < end) ::madvise(const_cast<std::byte*>(part.data()) + (begin - address), end - begin, MADV_DONTNEED);
}

void MappedFile::close() noexcept {
  guard_ = MapGuard();
  if (!bytes_.empty()) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
  bytes_ = {};
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = -1;
}

}  // namespace pith::gguf
