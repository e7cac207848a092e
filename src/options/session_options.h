#pragma once

#include <pith/session_options.h>

#include "options/eviction_options.h"
#include "options/kv_options.h"
#include "options/table.h"

namespace pith::options {

template <>
struct Table<SessionOptions> {
  using O = SessionOptions;
  static constexpr std::tuple rows{
      option("kv", &O::kv, "How keys and values are kept").saved_since(1, 1),
      option("context", &O::context, "Tokens that the session can hold; 0: as many as the model was trained for")
          .at_least(0)
          .on_command_line("--ctx", "N")
          .saved_since(1, 3),
      option("batch_tokens", &O::batch_tokens, "Tokens that a prompt takes through the model at once")
          .between(1, 4096)
          .saved_since(1, 4),
      option("threads", &O::threads, "Threads of the session; 0: those of the model")
          .between(0, WorkerPool::kThreadsMax)
          .not_saved(),
      option("workers", &O::workers, "Threads that a program shares").not_saved(),
      option("share_prefixes", &O::share_prefixes, "Share pages with sessions that begin with the same tokens")
          .not_saved(),
      option("prefix_store", &O::prefix_store, "A folder of prefixes that outlives sessions").not_saved(),
      option("kv_budget", &O::kv_budget, "What the caches of several sessions may hold together").not_saved(),
      option("marks_share", &O::marks_share, "Bytes that marks may hold for each byte of the cache")
          .at_least(0.0)
          .on_command_line("--marks-share", "X")
          .not_saved(),
      option("mark_every", &O::mark_every, "Tokens from one point that is marked by itself to the next; 0: none")
          .at_least(0)
          .not_saved(),
      option("eviction", &O::eviction, "What the session forgets, and when").saved_since(1, 2),
  };
};
static_assert(is_complete<SessionOptions>());

}  // namespace pith::options
