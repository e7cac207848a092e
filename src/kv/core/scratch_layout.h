#pragma once

#include <algorithm>
#include <cstddef>

#include "kv/core/cache.h"

namespace pith::kv {

/// What the sizes of Staging and Attention depend on besides the model, the batch and the number of workers. Caches of
/// one model that have the same layout can use each other's scratch memory, one after another.
struct ScratchLayout {
  explicit ScratchLayout(const Cache& cache)
      : keys_rotated(cache.any_keys_rotated()),
        split_queries(cache.any_keys_read_split_queries()),
        sparse(cache.options().sparse.on()) {
    for (const Layer& layer : cache.layers()) {
      key_page_bytes = std::max(key_page_bytes, layer.keys().exact().page_bytes());
      value_page_bytes = std::max(value_page_bytes, layer.values().exact().page_bytes());
    }
  }

  bool operator==(const ScratchLayout&) const = default;

  bool keys_rotated;
  bool split_queries;
  bool sparse;
  std::size_t key_page_bytes = 0;  ///< Of exact pages, which the staging area holds: the largest of any layer.
  std::size_t value_page_bytes = 0;
};

}  // namespace pith::kv
