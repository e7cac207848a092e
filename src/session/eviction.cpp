#include "session/eviction.h"

#include <algorithm>

#include "base/fail.h"
#include "kv/evict/footprint.h"
#include "kv/share/pages.h"
#include "kv/store/integrity.h"
#include "options/check.h"
#include "options/eviction_options.h"

namespace pith::session {
namespace {

const EvictionOptions& checked(const EvictionOptions& options) {
  options::checked(options, "eviction ");
  const std::size_t least = options.sinks + options.recent + options.interval;
  if (options.budget_tokens != 0 && options.budget_tokens < least) {
    fail(ErrorKind::kInvalidArgument,
         "eviction budget is {} tokens, must be at least {}: {} sinks, {} recent ones and an interval of {}",
         options.budget_tokens, least, options.sinks, options.recent, options.interval);
  }
  return options;
}

}  // namespace

Eviction::Eviction(const EvictionOptions& options, float scale)
    : options_(checked(options)),
      policy_(make_policy(options.policy, options.parameters, options.registry.get())),
      needs_(policy_->needs()) {
  const std::string allocator = options.allocator.empty() ? std::string(policy_->allocator()) : options.allocator;
  allocator_ = make_allocator(allocator, options.allocator_parameters, options.registry.get());
  selector_ = make_selector(options.selector, {}, options.registry.get());
  if (needs_.reconstruction && automatic()) {
    fail(ErrorKind::kInvalidArgument,
         "eviction policy \"{}\" reads the whole context once more at each decision: it works by compact() alone, "
         "without a budget",
         options.policy);
  }
  observed_.push_back(needs_);
  for (const std::string& name : options.observe)
    observed_.push_back(make_policy(name, {}, options.registry.get())->needs());
  evictor_ = {policy_.get(),  allocator_.get(), selector_.get(), options.sinks,
              options.recent, options.seed,     scale,           options.policy};
}

std::size_t Eviction::next_decision(std::size_t position) const {
  return (position / options_.interval + 1) * options_.interval;
}

void Eviction::make_room(kv::Cache& cache, ThreadPool& pool) const {
  if (!automatic() || cache.tokens() % options_.interval != 0) return;
  kv::verify_pages(cache, pool);
  const kv::WholeCache all_pages(cache);
  if (options_.budget_tokens != 0)
    kv::evict(cache, pool, evictor_, options_.budget_tokens - options_.interval, kv::Packing::kLazy);
  if (options_.budget_bytes != 0) make_room_in_bytes(cache, pool);
}

void Eviction::make_room_in_bytes(kv::Cache& cache, ThreadPool& pool) const {
  const std::size_t growth = kv::growth_bytes(cache, options_.interval);
  const std::size_t heads = cache.global_heads().size();
  // What is freed is known only once it is: pages stay where something protected is left of them.
  for (;;) {
    const std::size_t bytes = cache.bytes().total() + growth;
    if (heads == 0 || bytes <= options_.budget_bytes) return;
    const std::size_t held = kv::total_held(cache) / heads;
    const std::size_t less = (bytes - options_.budget_bytes) / kv::bytes_per_token(cache) + 1;
    if (!kv::evict(cache, pool, evictor_, held - std::min(held, less), kv::Packing::kFull)) return;
    if (kv::total_held(cache) / heads >= held) return;
  }
}

void Eviction::compact(kv::Cache& cache, ThreadPool& pool, std::size_t budget) const {
  const kv::WholeCache all_pages(cache);
  kv::evict(cache, pool, evictor_, budget, kv::Packing::kFull);
}

}  // namespace pith::session
