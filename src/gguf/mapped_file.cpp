#include "gguf/mapped_file.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <functional>
#include <utility>

#include "base/fail.h"

namespace pith::gguf {

// Delegates to the default constructor, so that the mapping is released if the guard cannot be made.
MappedFile::MappedFile(const std::filesystem::path& path) : MappedFile() {
  file_ = RegularFile(path);
  const auto size = static_cast<std::size_t>(file_.size());
  if (size == 0) return;
  void* address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file_.descriptor(), 0);
  if (address == MAP_FAILED) file_.fail_with_errno("map the file");
  bytes_ = {static_cast<const std::byte*>(address), size};
  guard_ = MapGuard(bytes_);
}

MappedFile::~MappedFile() { unmap(); }

MappedFile::MappedFile(MappedFile&& other) noexcept
    : file_(std::move(other.file_)), bytes_(std::exchange(other.bytes_, {})), guard_(std::move(other.guard_)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  if (this != &other) {
    unmap();
    file_ = std::move(other.file_);
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
  if (!file_.is_open()) return;
  // Where a file is cut within its last page, the rest of the page reads as zeros without a signal, so compare sizes.
  const std::uint64_t size = file_.size();
  if (size < bytes_.size()) {
    fail(ErrorKind::kIo, "{}: has become shorter while it was read: {} bytes, {} when it was opened", path(), size,
         bytes_.size());
  }
  if (guard_.lost()) fail(ErrorKind::kIo, "{}: could not be read: its disk failed, or it was rewritten", path());
}

void MappedFile::release(std::span<const std::byte> part) const noexcept {
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto address = reinterpret_cast<std::uintptr_t>(part.data());
  const auto begin = (address + page - 1) / page * page;
  const auto end = (address + part.size()) / page * page;
  if (begin < end) ::madvise(const_cast<std::byte*>(part.data()) + (begin - address), end - begin, MADV_DONTNEED);
}

void MappedFile::unmap() noexcept {
  guard_ = MapGuard();
  if (!bytes_.empty()) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
  bytes_ = {};
}

}  // namespace pith::gguf
