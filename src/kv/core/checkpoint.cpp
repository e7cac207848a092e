#include "kv/core/checkpoint.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

namespace pith::kv {
namespace {

/// Returns the page with the forms that it has when `tokens` tokens are held.
Page as_seen(const Page& page, const SideConfig& config, std::size_t number, std::size_t tokens) {
  Page seen = page;
  if (config.recent() == nullptr) return seen;
  if (number >= config.old_pages(tokens)) {
    seen.old.reset();
  } else {
    seen.recent.reset();
  }
  return seen;
}

/// Blocks of memory, each counted once.
class Blocks {
 public:
  /// Returns the bytes that are new.
  std::size_t add(const void* block, std::size_t bytes) {
    return block != nullptr && seen_.insert(block).second ? bytes : 0;
  }
  std::size_t add(const SealedPage& page) { return page ? add(page.get(), page->size()) : 0; }
  std::size_t add(const std::vector<Page>& pages, std::size_t first = 0) {
    std::size_t bytes = 0;
    for (std::size_t i = first; i < pages.size(); ++i) {
      bytes += add(pages[i].recent) + add(pages[i].old);
      if (!pages[i].origins) continue;
      std::size_t origins = 0;
      for (const Origin& origin : *pages[i].origins) origins += sizeof origin.tokens + origin.bytes.size();
      bytes += add(pages[i].origins.get(), origins);
    }
    return bytes;
  }
  std::size_t add(const States& states) {
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < states.layers(); ++i) {
      if (const States::Block& block = states.block(i)) bytes += add(block.get(), block->size() * sizeof(float));
    }
    return bytes;
  }
  std::size_t add(const SealedPage& exact_prefix, const std::shared_ptr<RawBuffer>& open) {
    return add(exact_prefix) + (open ? add(open.get(), open->size()) : 0);
  }

 private:
  std::unordered_set<const void*> seen_;
};

}  // namespace

Checkpoint Checkpoint::of_tail(const Cache& cache, std::size_t tokens) {
  Checkpoint made;
  made.tokens_ = tokens;
  made.states_ = cache.states();
  const std::vector<const Head*> heads = cache.heads();
  made.tails_.resize(heads.size());
  const std::size_t pages = tokens / kPageTokens;
  for (std::size_t h = 0; h < heads.size(); ++h) {
    const LayerConfig& layer = heads[h]->layer();
    Tail& tail = made.tails_[h];
    tail.first_page = layer.first_changed(tokens);
    for (const KvSide side : kSides) {
      const SidePages& held = heads[h]->pages(side);
      Side& kept = tail.sides[static_cast<std::size_t>(side)];
      kept.pages.reserve(pages - tail.first_page);
      for (std::size_t i = tail.first_page; i < pages; ++i)
        kept.pages.push_back(as_seen(held.pages[i], layer.side(side), i, tokens));
      kept.exact_prefix = held.exact_prefix;
      if (tokens % kPageTokens != 0) kept.open = held.open;
    }
  }
  return made;
}

Checkpoint Checkpoint::of_all(const Cache& cache) {
  Checkpoint made;
  made.tokens_ = cache.tokens();
  made.all_ = std::make_shared<const Cache>(cache);
  return made;
}

bool Checkpoint::restorable(const Cache& cache) const {
  if (all_ != nullptr) return true;
  if (cache.tokens() < tokens_) return false;
  const std::vector<const Head*> heads = cache.heads();
  for (std::size_t h = 0; h < heads.size(); ++h) {
    if (heads[h]->slots.slots.size() < tails_[h].first_page) return false;
  }
  return true;
}

void Checkpoint::restore(Cache& cache) const {
  if (all_ != nullptr) {
    cache = Cache(*all_);
    return;
  }
  const std::vector<Head*> heads = cache.heads();
  const std::size_t pages = tokens_ / kPageTokens;
  for (std::size_t h = 0; h < heads.size(); ++h) {
    Head& head = *heads[h];
    const Tail& tail = tails_[h];
    head.slots.slots.resize(pages);
    if (head.layer().reads_sparsely) head.ranges.keep(pages);
    for (const KvSide side : kSides) {
      SidePages& held = head.pages(side);
      const Side& kept = tail.sides[static_cast<std::size_t>(side)];
      held.pages.resize(tail.first_page);
      held.pages.insert(held.pages.end(), kept.pages.begin(), kept.pages.end());
      held.exact_prefix = kept.exact_prefix;
      held.open = kept.open;
    }
  }
  cache.states() = states_;
  cache.set_tokens(tokens_);
}

Checkpoint Checkpoint::completed(const Cache& cache) const {
  if (all_ != nullptr) return *this;
  Cache whole = cache;
  restore(whole);
  return of_all(whole);
}

std::size_t bytes_beyond(const Cache& cache, std::span<const Checkpoint* const> checkpoints) {
  const std::vector<const Head*> heads = cache.heads();
  // Earlier pages are those of the cache.
  std::vector<std::size_t> first(heads.size(), cache.tokens());
  for (const Checkpoint* checkpoint : checkpoints) {
    for (std::size_t h = 0; h < heads.size(); ++h)
      first[h] = checkpoint->all_ != nullptr ? 0 : std::min(first[h], checkpoint->tails_[h].first_page);
  }
  Blocks blocks;
  blocks.add(cache.states());
  for (std::size_t h = 0; h < heads.size(); ++h) {
    for (const KvSide side : kSides) {
      const SidePages& held = heads[h]->pages(side);
      blocks.add(held.pages, first[h]);
      blocks.add(held.exact_prefix, held.open);
    }
  }
  std::size_t bytes = 0;
  for (const Checkpoint* checkpoint : checkpoints) {
    if (checkpoint->all_ != nullptr) {
      bytes += checkpoint->all_->table_bytes() + checkpoint->all_->observed_bytes();
      bytes += blocks.add(checkpoint->all_->states());
      for (const Head* head : std::as_const(*checkpoint->all_).heads()) {
        for (const KvSide side : kSides) {
          const SidePages& held = head->pages(side);
          bytes += blocks.add(held.pages) + blocks.add(held.exact_prefix, held.open);
        }
      }
    }
    bytes += blocks.add(checkpoint->states_);
    for (const Checkpoint::Tail& tail : checkpoint->tails_) {
      bytes += sizeof tail;
      for (const Checkpoint::Side& side : tail.sides) {
        bytes += side.pages.capacity() * sizeof(Page);
        bytes += blocks.add(side.pages) + blocks.add(side.exact_prefix, side.open);
      }
    }
  }
  return bytes;
}

}  // namespace pith::kv
