#pragma once

#include <pith/eviction.h>

#include <cstddef>
#include <memory>
#include <vector>

#include "base/thread_pool.h"
#include "kv/core/cache.h"
#include "kv/evict/evict.h"

namespace pith::session {

/// A session's eviction: the parts by name, and when they decide. Decisions fall on multiples of the interval, each
/// makes room for the next one; so budgets hold at every step, and results depend neither on batches nor on how a text
/// is cut into feeds. Immutable, shared by forks.
class Eviction {
 public:
  /// Throws Error: kUnsupported for unknown names, kInvalidArgument for options out of range.
  Eviction(const EvictionOptions& options, float scale);

  const EvictionOptions& options() const { return options_; }
  /// Decides by itself, not by compact() alone.
  bool automatic() const { return options_.budget_tokens != 0 || options_.budget_bytes != 0; }
  /// What a cache is to gather for it and for the policies that it is to observe as well.
  const std::vector<PolicyNeeds>& observed() const { return observed_; }
  /// The next position at which it decides.
  std::size_t next_decision(std::size_t position) const;
  /// Before the token at `position` goes in: makes room up to the next decision.
  void make_room(kv::Cache& cache, ThreadPool& pool) const;
  /// Evicts now, down to `budget` tokens per head.
  void compact(kv::Cache& cache, ThreadPool& pool, std::size_t budget) const;
  const PolicyNeeds& needs() const { return needs_; }

 private:
  void make_room_in_bytes(kv::Cache& cache, ThreadPool& pool) const;

  EvictionOptions options_;
  std::unique_ptr<const EvictionPolicy> policy_;
  std::unique_ptr<const BudgetAllocator> allocator_;
  std::unique_ptr<const TokenSelector> selector_;
  PolicyNeeds needs_;
  std::vector<PolicyNeeds> observed_;
  kv::Evictor evictor_;
};

}  // namespace pith::session
