#include "kv/core/rewind.h"

#include <algorithm>

namespace pith::kv {
namespace {

bool holds(const SideConfig& config, const Page& page, bool recent) {
  return recent && config.recent() != nullptr ? page.recent != nullptr : page.old != nullptr;
}

/// `sealed` pages are sealed now.
bool can_rewind_head(const Head& head, std::size_t tokens, std::size_t sealed) {
  const LayerConfig& layer = head.layer();
  const std::size_t pages = tokens / kPageTokens;
  const bool prefix = layer.keeps_exact_prefix() && first_visible(tokens, layer.shape.window) < kExactPrefixTokens;
  if (prefix && !head.pages(KvSide::kKeys).exact_prefix) return false;
  for (std::size_t i = layer.first_changed(tokens); i < pages; ++i) {
    if (sealed - i > head.slots.slots.size()) return false;
    const std::size_t slot = head.slots.slot_of(i, sealed);
    if (head.slots.slots[slot].page != static_cast<std::int32_t>(i)) return false;
    // What other ranks keep, they know.
    if (!head.keeps(slot)) continue;
    for (const KvSide side : kSides) {
      const bool recent = i >= layer.side(side).old_pages(tokens);
      if (!holds(layer.side(side), head.pages(side).pages[slot], recent)) return false;
    }
  }
  return true;
}

/// Drops all but `pages` of `sealed` sealed pages.
void rewind_head(Head& head, std::size_t pages, std::size_t sealed) {
  const std::size_t slots = head.slots.slots.size() - (sealed - pages);
  head.slots.slots.resize(slots);
  if (head.layer().reads_sparsely) head.ranges.keep(slots);
  for (const KvSide side : kSides) {
    SidePages& held = head.pages(side);
    held.pages.resize(slots);
    held.open.reset();
    const SideConfig& config = head.layer().side(side);
    if (config.recent() == nullptr) continue;
    for (std::size_t i = config.old_pages(pages * kPageTokens); i < pages; ++i)
      held.pages[head.slots.slot_of(i, pages)].old.reset();
  }
}

}  // namespace

bool can_rewind(const Cache& cache, std::size_t tokens) {
  if (!cache.observers().list().empty() || cache.keeps_query_sums() || tokens < kPageTokens) return false;
  // A state holds its last token's past alone.
  if (!cache.states().empty() && tokens != cache.tokens()) return false;
  const std::vector<const Head*> heads = cache.heads();
  const std::size_t sealed = cache.tokens() / kPageTokens;
  return std::all_of(heads.begin(), heads.end(),
                     [&](const Head* head) { return can_rewind_head(*head, tokens, sealed); });
}

void rewind(Cache& cache, std::size_t tokens) {
  for (Head* head : cache.heads()) rewind_head(*head, tokens / kPageTokens, cache.tokens() / kPageTokens);
  cache.set_tokens(tokens);
}

void forget_open(Cache& cache, std::size_t tokens) {
  if (tokens % kPageTokens == 0) {
    for (Head* head : cache.heads()) {
      for (const KvSide side : kSides) head->pages(side).open.reset();
    }
  }
  cache.set_tokens(tokens);
}

}  // namespace pith::kv
