#include "fault/failing_reads.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace {

bool on = false;
pith::test::FailingReads::Plan plan;
long made = 0;
bool interrupt_next = false;

}  // namespace

// The linker redirects the library's calls here (tests/CMakeLists.txt).
ssize_t real_pread(int file, void* bytes, std::size_t size, off_t at) __asm__("__real_pread");
ssize_t wrap_pread(int file, void* bytes, std::size_t size, off_t at) __asm__("__wrap_pread");

ssize_t wrap_pread(int file, void* bytes, std::size_t size, off_t at) {
  if (!on) return real_pread(file, bytes, size, at);
  interrupt_next = plan.interrupted && !interrupt_next;
  if (interrupt_next) {
    errno = EINTR;
    return -1;
  }
  if (plan.good_calls >= 0 && made >= plan.good_calls) {
    errno = EIO;
    return plan.ends ? 0 : -1;
  }
  ++made;
  return real_pread(file, bytes, plan.bytes_max == 0 ? size : std::min(size, plan.bytes_max), at);
}

namespace pith::test {

FailingReads::FailingReads(const Plan& p) {
  plan = p;
  made = 0;
  interrupt_next = false;
  on = true;
}

FailingReads::~FailingReads() { on = false; }

long FailingReads::calls() const { return made; }

}  // namespace pith::test
