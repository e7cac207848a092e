#include "gguf/map_guard.h"

#include <sys/mman.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <limits>

namespace pith::gguf {

/// An entry of the list that the signal handler searches. The handler may run at any moment, so nothing is locked and
/// no entry is ever freed. Entries are reused, so there are as many as there were mappings at the same time.
struct MapGuard::Range {
  static constexpr std::uintptr_t kNowhere = std::numeric_limits<std::uintptr_t>::max();

  std::atomic<std::uintptr_t> begin{kNowhere};
  /// 0 if the entry guards nothing. Set last and cleared first.
  std::atomic<std::uintptr_t> end{0};
  std::atomic<bool> lost{false};
  std::atomic<bool> taken{true};
  Range* next = nullptr;

  /// Returns whether an address is guarded now. Reads the end twice, so that an entry that is reused in between is not
  /// taken for a range with the old beginning and the new end.
  bool holds(std::uintptr_t address) const noexcept {
    const std::uintptr_t last = end.load(std::memory_order_acquire);
    const std::uintptr_t first = begin.load(std::memory_order_acquire);
    return first <= address && address < last && end.load(std::memory_order_acquire) == last;
  }
};

namespace {

using Range = MapGuard::Range;

// Global because a signal handler belongs to the whole process.
constinit std::atomic<Range*> ranges{nullptr};
struct sigaction previous {};

/// Replaces the whole mapping that contains the address by zeros. Loading it fails in any case, so this takes one
/// mapping and one signal instead of one per page. Returns false if the address is not guarded.
bool give_zeros(std::uintptr_t address) noexcept {
  for (Range* range = ranges.load(std::memory_order_acquire); range != nullptr; range = range->next) {
    if (!range->holds(address)) continue;
    const std::uintptr_t begin = range->begin.load(std::memory_order_relaxed);
    const std::size_t size = range->end.load(std::memory_order_relaxed) - begin;
    range->lost.store(true, std::memory_order_release);
    // Ranges are kept as integers because they are atomic.
    // NOLINTNEXTLINE(performance-no-int-to-ptr)
    return ::mmap(reinterpret_cast<void*>(begin), size, PROT_READ,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0) != MAP_FAILED;
  }
  return false;
}

/// Does what would have happened without this handler.
void hand_on(int signal, siginfo_t* info, void* context) noexcept {
  const bool of_a_process = info->si_code <= 0;
  if ((previous.sa_flags & SA_SIGINFO) != 0 && previous.sa_sigaction != nullptr) {
    previous.sa_sigaction(signal, info, context);
    return;
  }
  if (previous.sa_handler == SIG_IGN && of_a_process) return;
  if (previous.sa_handler != SIG_IGN && previous.sa_handler != SIG_DFL) {
    previous.sa_handler(signal);
    return;
  }
  // Either the faulting instruction is tried again, or the signal is delivered again once this handler has returned.
  struct sigaction plain {};
  plain.sa_handler = SIG_DFL;
  ::sigaction(signal, &plain, nullptr);
  if (of_a_process) ::raise(signal);
}

void on_bus_error(int signal, siginfo_t* info, void* context) {
  const int saved = errno;
  const bool of_a_process = info->si_code <= 0;
  if (of_a_process || !give_zeros(reinterpret_cast<std::uintptr_t>(info->si_addr))) hand_on(signal, info, context);
  errno = saved;
}

bool install() noexcept {
  ::sigaction(SIGBUS, nullptr, &previous);
  struct sigaction own {};
  own.sa_sigaction = on_bus_error;
  own.sa_mask = previous.sa_mask;
  own.sa_flags = SA_SIGINFO | SA_ONSTACK | (previous.sa_flags & SA_NODEFER);
  return ::sigaction(SIGBUS, &own, nullptr) == 0;
}

/// Returns an unused entry, or a new one.
Range* take_range() {
  for (Range* range = ranges.load(std::memory_order_acquire); range != nullptr; range = range->next) {
    if (!range->taken.exchange(true, std::memory_order_acq_rel)) return range;
  }
  auto* range = new Range;
  range->next = ranges.load(std::memory_order_relaxed);
  while (!ranges.compare_exchange_weak(range->next, range, std::memory_order_release, std::memory_order_relaxed)) {
  }
  return range;
}

}  // namespace

MapGuard::MapGuard(std::span<const std::byte> mapping) {
  static const bool installed = install();
  if (!installed) return;
  range_ = take_range();
  range_->lost.store(false, std::memory_order_relaxed);
  range_->begin.store(reinterpret_cast<std::uintptr_t>(mapping.data()), std::memory_order_release);
  range_->end.store(reinterpret_cast<std::uintptr_t>(mapping.data() + mapping.size()), std::memory_order_release);
}

bool MapGuard::lost() const noexcept { return range_ != nullptr && range_->lost.load(std::memory_order_acquire); }

void MapGuard::release() noexcept {
  if (range_ == nullptr) return;
  range_->end.store(0, std::memory_order_release);
  range_->begin.store(Range::kNowhere, std::memory_order_release);
  range_->taken.store(false, std::memory_order_release);
  range_ = nullptr;
}

}  // namespace pith::gguf
