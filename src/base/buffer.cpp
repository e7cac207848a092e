#include "base/buffer.h"

#include <sys/mman.h>

#include <cstdlib>
#include <cstring>

#include "base/fail.h"

namespace pith {
namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;
constexpr std::size_t kAlignment = 64;

}  // namespace

RawBuffer::RawBuffer(std::size_t bytes) {
  if (bytes == 0) return;
  void* memory = nullptr;
  if (bytes >= kHugePage) {
    memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) fail(ErrorKind::kOutOfMemory, "cannot allocate {} bytes", bytes);
    ::madvise(memory, bytes, MADV_HUGEPAGE);
  } else {
    const std::size_t rounded = (bytes + kAlignment - 1) / kAlignment * kAlignment;
    memory = std::aligned_alloc(kAlignment, rounded);
    if (memory == nullptr) fail(ErrorKind::kOutOfMemory, "cannot allocate {} bytes", bytes);
    std::memset(memory, 0, rounded);
  }
  data_ = static_cast<std::byte*>(memory);
  size_ = bytes;
}

void RawBuffer::release() noexcept {
  if (size_ >= kHugePage) {
    ::munmap(data_, size_);
  } else {
    std::free(data_);
  }
}

}  // namespace pith
