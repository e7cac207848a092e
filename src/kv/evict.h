#pragma once

#include <pith/eviction.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/thread_pool.h"
#include "kv/cache.h"
#include "kv/pack.h"

namespace pith::kv {

/// A policy and the parts that go with it, and what is protected whatever they say.
struct Evictor {
  const EvictionPolicy* policy = nullptr;
  const BudgetAllocator* allocator = nullptr;
  const TokenSelector* selector = nullptr;
  std::size_t protected_first = 0;
  std::size_t recent = 0;
  std::uint64_t seed = 0;
  float scale = 1.0F;         ///< Of scores.
  std::string policy_name{};  ///< For messages.
};

/// Evicts until the KV heads of layers without a window hold `budget` tokens each on average, or until only protected
/// ones are left: sinks, the newest, those of the open page. Returns whether anything went.
bool evict(Cache& cache, ThreadPool& pool, const Evictor& evictor, std::size_t budget, Packing packing);

}  // namespace pith::kv
