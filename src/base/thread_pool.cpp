#include "base/thread_pool.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "base/fail.h"
#include "base/processors.h"

namespace pith {
namespace {

constexpr unsigned kIndexBits = 20;
constexpr std::uint64_t kIndexMask = (std::uint64_t{1} << kIndexBits) - 1;
constexpr std::size_t kTasksMax = std::size_t{kIndexMask} - ThreadPool::kThreadsMax;
/// About 20 microseconds: longer than the gap between two parallel regions of a layer, too short for anybody to notice.
constexpr int kSpins = 2000;

std::uint64_t index_of(std::uint64_t claim) { return claim & kIndexMask; }
std::uint64_t count_of(std::uint64_t claim) { return (claim >> kIndexBits) & kIndexMask; }

void relax() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ __volatile__("yield");
#endif
}

/// Spins, then sleeps, until the value differs from `old`.
template <typename T>
void await_change(const std::atomic<T>& value, T old) {
  for (int i = 0; i < kSpins; ++i) {
    if (value.load(std::memory_order_acquire) != old) return;
    relax();
  }
  value.wait(old, std::memory_order_acquire);
}

}  // namespace

ThreadPool::ThreadPool(int threads) {
  if (threads < 0 || threads > kThreadsMax) {
    fail(ErrorKind::kInvalidArgument, "threads is {}, allowed are 0 to {}", threads, kThreadsMax);
  }
  const int total = threads == 0 ? std::min(usable_processors(), kThreadsMax) : threads;
  try {
    for (int i = 1; i < total; ++i) workers_.emplace_back([this, i] { work(static_cast<std::size_t>(i)); });
  } catch (const std::system_error&) {
    // The system grants fewer threads than asked for: the pool works with those that started.
  }
}

ThreadPool::~ThreadPool() {
  stopping_.store(true, std::memory_order_release);
  claim_.fetch_add(std::uint64_t{1} << (2 * kIndexBits), std::memory_order_acq_rel);
  claim_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::work(std::size_t worker) {
  std::uint64_t seen = 0;
  while (true) {
    await_change(claim_, seen);
    if (stopping_.load(std::memory_order_acquire)) return;
    help(worker);
    seen = claim_.load(std::memory_order_acquire);
    // `seen` may already be the destructor's last change, and then nothing would wake this thread again.
    if (stopping_.load(std::memory_order_acquire)) return;
    // A job began meanwhile: do not sleep through it.
    if (index_of(seen) < count_of(seen)) seen = ~seen;
  }
}

void ThreadPool::help(std::size_t worker) {
  std::uint64_t claim = claim_.load(std::memory_order_acquire);
  while (index_of(claim) < count_of(claim)) {
    if (!claim_.compare_exchange_weak(claim, claim + 1, std::memory_order_acq_rel, std::memory_order_acquire)) continue;
    const std::uint64_t index = index_of(claim);
    const std::uint64_t count = count_of(claim);
    if (!failed_.load(std::memory_order_relaxed)) {
      try {
        call_(task_, index, worker);
      } catch (...) {
        record_failure();
      }
    }
    if (done_.fetch_add(1, std::memory_order_acq_rel) + 1 == count) done_.notify_all();
    claim = claim_.load(std::memory_order_acquire);
  }
}

void ThreadPool::record_failure() noexcept {
  const std::lock_guard lock(failure_mutex_);
  if (!failure_) failure_ = std::current_exception();
  failed_.store(true, std::memory_order_relaxed);
}

void ThreadPool::run_shared(std::size_t count, Call invoke_task, const void* task) {
  struct Release {
    std::atomic<bool>& busy;
    ~Release() { busy.store(false, std::memory_order_release); }
  } const release{busy_};
  for (std::size_t begin = 0; begin < count; begin += kTasksMax) {
    struct Shifted {
      Call invoke_task;
      const void* task;
      std::size_t begin;
    } const shifted{invoke_task, task, begin};
    const std::size_t part = std::min(kTasksMax, count - begin);
    call_ = [](const void* s, std::size_t i, std::size_t worker) {
      const auto& job = *static_cast<const Shifted*>(s);
      job.invoke_task(job.task, job.begin + i, worker);
    };
    task_ = &shifted;
    done_.store(0, std::memory_order_relaxed);
    const std::uint64_t generation = (claim_.load(std::memory_order_relaxed) >> (2 * kIndexBits)) + 1;
    // An exchange rather than a store: a store could be reordered after notify_all() has checked for sleeping threads.
    claim_.exchange((generation << (2 * kIndexBits)) | (std::uint64_t{part} << kIndexBits));
    claim_.notify_all();
    help(0);
    for (std::uint32_t done = done_.load(std::memory_order_acquire); done != part;
         done = done_.load(std::memory_order_acquire)) {
      await_change(done_, done);
    }
    if (failed_.load(std::memory_order_acquire)) {
      failed_.store(false, std::memory_order_relaxed);
      std::rethrow_exception(std::exchange(failure_, nullptr));
    }
  }
}

}  // namespace pith
