#include "kv/core/rewind.h"

#include <algorithm>

namespace pith::kv {
namespace {

bool holds(const SideConfig& config, const Page& page, bool recent) {
  return recent && config.recent() != nullptr ? page.recent != nullptr : page.old != nullptr;
}

bool can_rewind_head(const Head& head, std::size_t tokens) {
  const LayerConfig& layer = head.layer();
  const std::size_t pages = tokens / kPageTokens;
  const std::size_t visible = first_visible(tokens, layer.shape.window);
  if (head.slots.slots.size() < pages) return false;
  const bool prefix = layer.keeps_exact_prefix() && visible < kExactPrefixTokens;
  if (prefix && !head.pages(KvSide::kKeys).exact_prefix) return false;
  for (std::size_t i = visible / kPageTokens; i < pages; ++i) {
    if (head.slots.slots[i].page != static_cast<std::int32_t>(i)) return false;
    for (const KvSide side : kSides) {
      const bool recent = i >= layer.side(side).old_pages(tokens);
      if (!holds(layer.side(side), head.pages(side).pages[i], recent)) return false;
    }
  }
  return true;
}

void rewind_head(Head& head, std::size_t tokens) {
  const std::size_t pages = tokens / kPageTokens;
  head.slots.slots.resize(pages);
  if (head.layer().reads_sparsely) head.ranges.keep(pages);
  for (const KvSide side : kSides) {
    SidePages& held = head.pages(side);
    held.pages.resize(pages);
    held.open.reset();
    const SideConfig& config = head.layer().side(side);
    if (config.recent() == nullptr) continue;
    for (std::size_t i = config.old_pages(tokens); i < pages; ++i) held.pages[i].old.reset();
  }
}

}  // namespace

bool can_rewind(const Cache& cache, std::size_t tokens) {
  if (!cache.observers().list().empty() || cache.keeps_query_sums() || tokens < kPageTokens) return false;
  const std::vector<const Head*> heads = cache.heads();
  return std::all_of(heads.begin(), heads.end(), [&](const Head* head) { return can_rewind_head(*head, tokens); });
}

void rewind(Cache& cache, std::size_t tokens) {
  for (Head* head : cache.heads()) rewind_head(*head, tokens);
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
