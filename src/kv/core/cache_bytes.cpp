#include <algorithm>

#include "kv/core/cache.h"

// What a cache holds and will hold, in bytes.

namespace pith::kv {
namespace {

std::size_t sealed_bytes_of(const SidePages& side) {
  std::size_t bytes = 0;
  for (const Page& page : side.pages) {
    bytes += (page.recent ? page.recent->size() : 0) + (page.old ? page.old->size() : 0);
    if (!page.origins) continue;
    for (const Origin& origin : *page.origins) bytes += sizeof origin.tokens + origin.bytes.size();
  }
  return bytes;
}

std::size_t exact_bytes_of(const SidePages& side) {
  return (side.open ? side.open->size() : 0) + (side.exact_prefix ? side.exact_prefix->size() : 0);
}

/// Predicts the bytes of one head.
CacheBytes head_bytes_at(const LayerConfig& layer, std::size_t tokens) {
  const std::size_t first = first_visible(tokens, layer.shape.window);
  const bool prefix = layer.keeps_exact_prefix() && tokens >= kPageTokens && first < kExactPrefixTokens;
  const std::size_t exact = (prefix ? kExactPrefixTokens : 0) + (tokens % kPageTokens != 0 ? kPageTokens : 0);
  CacheBytes bytes;
  for (const KvSide side : kSides) {
    bytes.sealed += layer.side(side).sealed_bytes(tokens, first);
    bytes.exact += layer.side(side).exact().bytes_of(exact);
  }
  if (layer.reads_sparsely) bytes.summary = KeyRanges::bytes_of(tokens / kPageTokens, layer.shape.key_size);
  return bytes;
}

}  // namespace

CacheBytes Cache::bytes() const {
  CacheBytes bytes;
  bytes.states = states_.bytes();
  for (const Head* head : heads()) {
    for (const KvSide side : kSides) {
      bytes.sealed += sealed_bytes_of(head->pages(side));
      bytes.exact += exact_bytes_of(head->pages(side));
    }
    bytes.summary += head->ranges.bytes();
  }
  for (const Borrowed& other : borrowed_) {
    const CacheBytes more = other.cache->bytes();
    bytes.sealed += more.sealed;
    bytes.exact += more.exact;
    bytes.summary += more.summary;
  }
  return bytes;
}

std::size_t bytes_of(const Layer& layer, KvSide side) {
  std::size_t bytes = 0;
  for (const Head& head : layer.heads()) {
    bytes += exact_bytes_of(head.pages(side)) + sealed_bytes_of(head.pages(side));
    if (side == KvSide::kKeys) bytes += head.ranges.bytes();
  }
  return bytes;
}

CacheBytes Cache::bytes_at(std::size_t tokens) const {
  CacheBytes bytes;
  if (tokens != 0) bytes.states = states_.bytes_held();
  std::size_t old_pages_max = 0;
  for (const Layer& layer : layers_) {
    const std::size_t kv_heads = layer.shape().kv_heads;
    const CacheBytes head = head_bytes_at(layer.config(), tokens);
    bytes.sealed += kv_heads * head.sealed;
    bytes.exact += kv_heads * head.exact;
    bytes.summary += kv_heads * head.summary;
    const std::size_t old = layer.keys().old_pages(tokens);
    old_pages_max = std::max(old_pages_max, old - std::min(old, first_visible(tokens, layer.window()) / kPageTokens));
  }
  bytes.sealed += static_cast<std::size_t>(promotion_budget() * static_cast<double>(old_pages_max));
  return bytes;
}

std::size_t Cache::open_bytes() const noexcept {
  std::size_t bytes = states_.bytes();
  for (const Layer& layer : layers_) {
    for (const Head& head : layer.heads()) {
      for (const KvSide side : kSides) bytes += head.pages(side).open ? head.pages(side).open->size() : 0;
    }
  }
  return bytes;
}

std::size_t Cache::table_bytes() const noexcept {
  std::size_t bytes = layers_.capacity() * sizeof(Layer);
  for (const Layer& layer : layers_) {
    for (const Head& head : layer.heads()) {
      bytes += sizeof(Head) + head.slots.slots.capacity() * sizeof(Slot) + head.basis.bytes();
      for (const KvSide side : kSides)
        bytes += head.pages(side).pages.capacity() * sizeof(Page) + head.pages(side).grid.capacity();
    }
  }
  return bytes;
}

std::size_t Cache::observed_bytes() const noexcept {
  std::size_t bytes = observers_.bytes();
  for (const Layer& layer : layers_) {
    for (const Head& head : layer.heads()) bytes += head.query_sums.bytes();
  }
  return bytes;
}

}  // namespace pith::kv
