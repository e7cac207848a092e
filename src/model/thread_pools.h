#pragma once

#include <pith/threads.h>

#include <map>
#include <memory>
#include <mutex>

#include "base/thread_pool.h"

namespace pith::model {

/// The thread pools of a model: its own, which loading and most sessions use, and one for each other number of threads
/// that sessions ask for, for as long as these live. Thread-safe.
class ThreadPools {
 public:
  /// The model's own pool is `given`, or has `threads` threads (0: one per processor that the process may use). Throws
  /// Error(kInvalidArgument) for a number out of range, or if both are set.
  ThreadPools(const std::shared_ptr<const WorkerPool>& given, int threads);

  /// Throws Error(kInvalidArgument) for a number out of range.
  std::shared_ptr<ThreadPool> get(int threads);

 private:
  std::shared_ptr<ThreadPool> own_;
  std::mutex mutex_;
  std::map<int, std::weak_ptr<ThreadPool>> others_;
};

}  // namespace pith::model
