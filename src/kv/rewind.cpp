#include <algorithm>

#include "kv/cache.h"

// Taking tokens back. A page that was sealed or became old since then cannot be restored; the session computes what is
// missing again.

namespace pith::kv {
namespace {

bool holds(const SideConfig& config, const Page& page, bool recent) {
  return recent && config.recent() != nullptr ? page.recent != nullptr : page.old != nullptr;
}

}  // namespace

bool Cache::can_rewind(std::size_t tokens) const {
  if (!observers_.list().empty() || query_sums_.enabled()) return false;
  const std::size_t pages = tokens / kPageTokens;
  if (pages == 0) return false;
  for (std::size_t layer = 0; layer < shape_.layers(); ++layer) {
    const std::size_t visible = first_visible(tokens, shape_.windows[layer]);
    for (std::size_t h = 0; h < shape_.kv_heads; ++h) {
      const HeadSlots& head = slots(layer, h);
      if (head.slots.size() < pages) return false;
      if (keeps_exact_prefix(layer) && visible < kExactPrefixTokens &&
          !this->pages(KvSide::kKeys, layer, h).exact_prefix)
        return false;
      for (std::size_t i = visible / kPageTokens; i < pages; ++i) {
        if (head.slots[i].page != static_cast<std::int32_t>(i)) return false;
        for (const KvSide side : kSides) {
          const bool recent = i >= this->side(side, layer).old_pages(tokens);
          if (!holds(this->side(side, layer), this->pages(side, layer, h).pages[i], recent)) return false;
        }
      }
    }
  }
  return true;
}

void Cache::rewind(std::size_t tokens) {
  const std::size_t pages = tokens / kPageTokens;
  for (std::size_t layer = 0; layer < shape_.layers(); ++layer) {
    for (std::size_t h = 0; h < shape_.kv_heads; ++h) {
      slots(layer, h).slots.resize(pages);
      if (reads_sparsely(layer)) key_ranges(layer, h).keep(pages);
      for (const KvSide side : kSides) {
        SidePages& held = this->pages(side, layer, h);
        held.pages.resize(pages);
        held.open.reset();
        if (this->side(side, layer).recent() == nullptr) continue;
        for (std::size_t i = this->side(side, layer).old_pages(tokens); i < pages; ++i) held.pages[i].old.reset();
      }
    }
  }
  tokens_ = tokens;
}

void Cache::forget_open(std::size_t tokens) {
  if (tokens % kPageTokens == 0) {
    for (SidePages& side : pages_) side.open.reset();
  }
  tokens_ = tokens;
}

}  // namespace pith::kv
