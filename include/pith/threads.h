#pragma once

#include <pith/export.h>

#include <memory>

namespace pith {
class ThreadPool;
}  // namespace pith

namespace pith::inline v0_1 {

/// Worker threads that models and sessions share (ModelOptions::workers, SessionOptions::workers). Sessions that run at
/// the same time do not wait for one another: one of them has the workers, the others compute on the threads that call
/// them. Results do not depend on it. Idle workers sleep. Thread-safe.
class PITH_EXPORT WorkerPool {
 public:
  /// The most threads that a pool may have.
  static constexpr int kThreadsMax = 1024;

  /// `threads` counts the thread that calls; 0: processors(). Throws Error(kInvalidArgument) outside [0, kThreadsMax].
  explicit WorkerPool(int threads = 0);

  int size() const noexcept;
  /// Processors that this process may use: those of its affinity mask, or fewer where its cgroup's CPU quota grants
  /// less time.
  static int processors();

  /// Internal: what computes.
  const std::shared_ptr<ThreadPool>& impl() const noexcept { return impl_; }

 private:
  std::shared_ptr<ThreadPool> impl_;
};

}  // namespace pith::inline v0_1
