#pragma once

#include <pith/batch.h>

#include "options/table.h"

namespace pith::options {

template <>
struct Table<BatchOptions> {
  using O = BatchOptions;
  static constexpr std::tuple rows{
      option("batch_tokens", &O::batch_tokens, "Tokens of all sessions that go through the model at once")
          .between(1, 4096),
      option("threads", &O::threads, "Threads; 0: those of the session in the first step")
          .between(0, WorkerPool::kThreadsMax),
      option("workers", &O::workers, "Threads that a program shares"),
  };
};
static_assert(is_complete<BatchOptions>());

}  // namespace pith::options
