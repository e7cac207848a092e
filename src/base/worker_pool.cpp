#include "base/worker_pool.h"

#include "base/fail.h"
#include "base/memory.h"
#include "base/processors.h"

namespace pith {

WorkerPool::WorkerPool(int threads)
    : impl_(with_memory_for("start threads", [&] { return std::make_shared<ThreadPool>(threads); })) {}

int WorkerPool::size() const noexcept { return impl_->size(); }

int WorkerPool::processors() { return usable_processors(); }

std::shared_ptr<ThreadPool> pool_of(const std::shared_ptr<const WorkerPool>& given, int threads) {
  if (given == nullptr) return nullptr;
  if (threads != 0)
    fail(ErrorKind::kInvalidArgument, "threads is {} beside a pool of workers, must be 0 then", threads);
  return given->impl();
}

}  // namespace pith
