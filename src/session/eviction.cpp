#include "session/eviction.h"

#include <algorithm>

#include "base/fail.h"
#include "kv/integrity.h"

namespace pith::session {
namespace {

const EvictionOptions& checked(const EvictionOptions& options) {
  constexpr std::size_t kIntervalMax = 1U << 20U;
  if (options.interval == 0 || options.interval % kv::kPageTokens != 0 || options.interval > kIntervalMax) {
    fail(ErrorKind::kInvalidArgument, "eviction interval is {}, must be a multiple of {}, at most {}", options.interval,
         kv::kPageTokens, kIntervalMax);
  }
  const std::size_t least = options.sinks + options.recent + options.interval;
  if (options.budget_tokens != 0 && options.budget_tokens < least) {
    fail(ErrorKind::kInvalidArgument,
         "eviction budget is {} tokens, must be at least {}: {} sinks, {} recent ones and an interval of {}",
         options.budget_tokens, least, options.sinks, options.recent, options.interval);
  }
  return options;
}

/// Heads of layers that are scored.
std::size_t scored_heads(const kv::Cache& cache) { return cache.global_heads().size(); }

std::size_t total_held(const kv::Cache& cache) {
  std::size_t held = 0;
  for (const kv::Head* head : cache.global_heads()) held += head->held_tokens(cache.tokens());
  return held;
}

/// What `tokens` further tokens, whole pages, may add to a cache at most before the next decision.
std::size_t growth_of(const kv::Cache& cache, std::size_t tokens) {
  std::size_t bytes = 0;
  for (const kv::Head* head : cache.heads()) {
    const kv::LayerConfig& layer = head->layer();
    for (const KvSide side : kv::kSides) {
      const kv::SideConfig& config = layer.side(side);
      const kv::Codec& codec = config.recent() != nullptr ? *config.recent() : config.codec();
      bytes += tokens / kv::kPageTokens * codec.page_bytes() + config.exact().page_bytes() +
               config.exact().bytes_of(kv::kExactPrefixTokens);
    }
    if (layer.reads_sparsely)
      bytes += kv::KeyRanges::bytes_of(tokens / kv::kPageTokens + kernels::kLanes, layer.shape.key_size);
  }
  return bytes;
}

/// What a token of every scored head takes in its last form.
std::size_t bytes_a_token(const kv::Cache& cache) {
  std::size_t bytes = 0;
  for (const kv::Head* head : cache.global_heads()) {
    for (const KvSide side : kv::kSides) bytes += head->layer().side(side).codec().page_bytes();
  }
  return std::max<std::size_t>(1, bytes / kv::kPageTokens);
}

}  // namespace

std::size_t held_tokens(const kv::Cache& cache) {
  const std::size_t heads = scored_heads(cache);
  return heads == 0 ? cache.tokens() : (total_held(cache) + heads - 1) / heads;
}

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
  if (options_.budget_tokens != 0)
    kv::evict(cache, pool, evictor_, options_.budget_tokens - options_.interval, kv::Packing::kLazy);
  if (options_.budget_bytes != 0) make_room_in_bytes(cache, pool);
}

void Eviction::make_room_in_bytes(kv::Cache& cache, ThreadPool& pool) const {
  const std::size_t growth = growth_of(cache, options_.interval);
  const std::size_t heads = scored_heads(cache);
  // What is freed is known only once it is: pages stay where something protected is left of them.
  for (;;) {
    const std::size_t bytes = cache.bytes().total() + growth;
    if (heads == 0 || bytes <= options_.budget_bytes) return;
    const std::size_t held = total_held(cache) / heads;
    const std::size_t less = (bytes - options_.budget_bytes) / bytes_a_token(cache) + 1;
    if (!kv::evict(cache, pool, evictor_, held - std::min(held, less), kv::Packing::kFull)) return;
    if (total_held(cache) / heads >= held) return;
  }
}

void Eviction::compact(kv::Cache& cache, ThreadPool& pool, std::size_t budget) const {
  kv::evict(cache, pool, evictor_, budget, kv::Packing::kFull);
}

}  // namespace pith::session
