#include "model/thread_pools.h"

#include "base/worker_pool.h"

namespace pith::model {

ThreadPools::ThreadPools(const std::shared_ptr<const WorkerPool>& given, int threads) : own_(pool_of(given, threads)) {
  if (own_ == nullptr) own_ = std::make_shared<ThreadPool>(threads);
}

std::shared_ptr<ThreadPool> ThreadPools::get(int threads) {
  if (threads == 0 || threads == own_->size()) return own_;
  const std::lock_guard lock(mutex_);
  std::weak_ptr<ThreadPool>& known = others_[threads];
  std::shared_ptr<ThreadPool> pool = known.lock();
  if (pool == nullptr) known = pool = std::make_shared<ThreadPool>(threads);
  return pool;
}

}  // namespace pith::model
