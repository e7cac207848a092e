#pragma once

#include <pith/ranks.h>

#include <cstddef>
#include <functional>
#include <span>

#include "kv/core/cache.h"
#include "kv/core/step.h"

namespace pith::kv {

/// Gets the sealed pages of a layer that other ranks keep, in the forms that they have, and gives them what this one
/// keeps. Throws Error(kIntegrity) for bytes that are not those of the layer's pages.
void fetch_pages(Layer& layer, Ranks& ranks);
/// Drops what this rank does not keep.
void drop_foreign(Head& head);
void drop_foreign(Layer& layer);

/// Returns about how many bytes fetch_pages() moves.
std::size_t bytes_of_pages(const Layer& layer);

/// Holds all pages of a layer of some caches while it lives.
class FetchedPages {
 public:
  FetchedPages(std::span<const Step> steps, std::size_t layer, Ranks& ranks);
  FetchedPages(const FetchedPages&) = delete;
  FetchedPages& operator=(const FetchedPages&) = delete;
  ~FetchedPages();

 private:
  std::span<const Step> steps_;
  std::size_t layer_;
};

/// Holds all pages of a cache while it lives, for what changes slots: eviction and packing. Does nothing for a cache
/// that one process holds.
class WholeCache {
 public:
  explicit WholeCache(Cache& cache);
  WholeCache(const WholeCache&) = delete;
  WholeCache& operator=(const WholeCache&) = delete;
  ~WholeCache();

 private:
  Cache& cache_;
};

/// Calls on_layer(layer) for each layer of a fork of the cache, which has all pages of that one, layer by layer.
void for_whole_layers(const Cache& cache, const std::function<void(const Layer&)>& on_layer);

/// Returns whether `yes` is true on all ranks of the cache.
bool agreed(const Cache& cache, bool yes);

}  // namespace pith::kv
