#include "fault/failing_memory.h"

#include <sys/mman.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace {

constexpr long kOff = 0;

/// Allocations that still succeed, plus one; kOff: all succeed.
std::atomic<long> granted{kOff};
std::atomic<bool> once{true};
std::atomic<bool> reached{false};

bool refused() {
  long left = granted.load();
  while (left > kOff) {
    // At 1 this one fails; afterwards the count stays at 1, or is off.
    const long next = left > 1 ? left - 1 : (once.load() ? kOff : left);
    if (!granted.compare_exchange_weak(left, next)) continue;
    if (left > 1) return false;
    reached.store(true);
    return true;
  }
  return false;
}

void* allocate(std::size_t size, std::size_t alignment) noexcept {
  if (refused()) return nullptr;
  if (alignment <= alignof(std::max_align_t)) return std::malloc(size == 0 ? 1 : size);
  void* memory = nullptr;
  return ::posix_memalign(&memory, alignment, size) == 0 ? memory : nullptr;
}

void* allocate_or_throw(std::size_t size, std::size_t alignment) {
  void* memory = allocate(size, alignment);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

constexpr std::size_t kPlain = alignof(std::max_align_t);

}  // namespace

void* operator new(std::size_t size) { return allocate_or_throw(size, kPlain); }
void* operator new[](std::size_t size) { return allocate_or_throw(size, kPlain); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return allocate(size, kPlain); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return allocate(size, kPlain); }
void* operator new(std::size_t size, std::align_val_t a) {
  return allocate_or_throw(size, static_cast<std::size_t>(a));
}
void* operator new[](std::size_t size, std::align_val_t a) {
  return allocate_or_throw(size, static_cast<std::size_t>(a));
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete[](void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t) noexcept { std::free(p); }
void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete[](void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }

// The linker redirects the library's calls here (tests/CMakeLists.txt).
void* real_aligned_alloc(std::size_t alignment, std::size_t size) __asm__("__real_aligned_alloc");
void* wrap_aligned_alloc(std::size_t alignment, std::size_t size) __asm__("__wrap_aligned_alloc");
void* real_mmap(void* address, std::size_t size, int protection, int flags, int file,
                off_t offset) __asm__("__real_mmap");
void* wrap_mmap(void* address, std::size_t size, int protection, int flags, int file,
                off_t offset) __asm__("__wrap_mmap");

void* wrap_aligned_alloc(std::size_t alignment, std::size_t size) {
  return refused() ? nullptr : real_aligned_alloc(alignment, size);
}

void* wrap_mmap(void* address, std::size_t size, int protection, int flags, int file, off_t offset) {
  if (!refused()) return real_mmap(address, size, protection, flags, file, offset);
  errno = ENOMEM;
  return MAP_FAILED;
}

namespace pith::test {

FailingMemory::FailingMemory(long nth, Mode mode) {
  once.store(mode == Mode::kOnce);
  reached.store(false);
  granted.store(nth);
}

FailingMemory::~FailingMemory() { granted.store(kOff); }

bool FailingMemory::failed() const { return reached.load(); }

}  // namespace pith::test
