#pragma once

#include <pith/eviction.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/thread_pool.h"
#include "kv/core/cache.h"
#include "kv/evict/pack.h"

namespace pith::kv {

/// A policy with its allocator and selector, and what is protected whatever they say.
struct Evictor {
  const EvictionPolicy* policy = nullptr;
  const BudgetAllocator* allocator = nullptr;
  const TokenSelector* selector = nullptr;
  std::size_t protected_first = 0;
  std::size_t recent = 0;
  std::uint64_t seed = 0;
  float scale = 1.0F;         ///< Multiplies query . key.
  std::string policy_name{};  ///< For messages.
};

/// Evicts until the KV heads of layers without a window hold `budget` tokens each on average, or only protected ones:
/// the first, the recent ones, and those of the open page. Returns false if they hold no more already. Throws
/// Error(kInvalidArgument) for scores that are not finite, and what the parts throw.
bool evict(Cache& cache, ThreadPool& pool, const Evictor& evictor, std::size_t budget, Packing packing);

}  // namespace pith::kv
