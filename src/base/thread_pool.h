#pragma once

#include <pith/threads.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <mutex>
#include <thread>
#include <type_traits>
#include <vector>

namespace pith {

/// Threads that work through numbered tasks together with the caller. Waiting threads spin briefly and then sleep, so
/// that they take little from other programs on the machine. Tasks are claimed one by one in no fixed assignment to
/// threads, so results must not depend on which thread runs which task. Several threads may call run() at once: one of
/// them gets the workers, and the others run their tasks alone meanwhile, since each of them has a processor already.
class ThreadPool {
 public:
  static constexpr int kThreadsMax = WorkerPool::kThreadsMax;

  /// Starts `threads` - 1 workers, since the caller counts as one; 0 means one thread per processor that the process
  /// may use. Throws Error(kInvalidArgument) outside [0, kThreadsMax].
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int size() const noexcept { return static_cast<int>(workers_.size()) + 1; }

  /// Calls task(i), or task(i, worker) with worker in [0, size()), for every i in [0, count) and returns when all are
  /// done. A worker runs one task of a run() at a time; the caller is worker 0. Rethrows the first exception of a task;
  /// tasks that have not begun by then are skipped. With `worth_sharing` false the caller runs all of them, because
  /// waking threads takes about a microsecond.
  template <typename Task>
  void run(std::size_t count, const Task& task, bool worth_sharing = true) {
    if (workers_.empty() || count <= 1 || !worth_sharing || busy_.exchange(true, std::memory_order_acquire)) {
      for (std::size_t i = 0; i < count; ++i) invoke(task, i, 0);
      return;
    }
    run_shared(
        count,
        [](const void* t, std::size_t i, std::size_t worker) { invoke(*static_cast<const Task*>(t), i, worker); },
        &task);
  }

 private:
  using Call = void (*)(const void* task, std::size_t index, std::size_t worker);

  template <typename Task>
  static void invoke(const Task& task, std::size_t index, std::size_t worker) {
    if constexpr (std::is_invocable_v<const Task&, std::size_t, std::size_t>) {
      task(index, worker);
    } else {
      task(index);
    }
  }

  void run_shared(std::size_t count, Call call, const void* task);
  void work(std::size_t worker);
  /// Claims and runs tasks until none is left.
  void help(std::size_t worker);
  void record_failure() noexcept;

  /// Generation (24 bits), number of tasks (20 bits), next task (20 bits). A claim succeeds only while its generation
  /// is current, so a thread that slept through a job cannot touch the next one.
  std::atomic<std::uint64_t> claim_{0};
  std::atomic<std::uint32_t> done_{0};
  std::atomic<bool> failed_{false};
  /// Whether a run() has the workers.
  std::atomic<bool> busy_{false};
  std::atomic<bool> stopping_{false};
  Call call_ = nullptr;
  const void* task_ = nullptr;
  std::mutex failure_mutex_;
  std::exception_ptr failure_;
  std::vector<std::thread> workers_;
};

}  // namespace pith
