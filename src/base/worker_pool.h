#pragma once

#include <pith/threads.h>

#include <memory>

#include "base/thread_pool.h"

namespace pith {

/// Returns the threads of a pool that the caller gave; null if none was given. Throws Error(kInvalidArgument) if
/// `threads`, the number asked for beside it, is not 0.
std::shared_ptr<ThreadPool> pool_of(const std::shared_ptr<const WorkerPool>& given, int threads);

}  // namespace pith
