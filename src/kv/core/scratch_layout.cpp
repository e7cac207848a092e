#include "kv/core/scratch_layout.h"

#include <algorithm>

namespace pith::kv {

ScratchLayout::ScratchLayout(const Cache& cache)
    : keys_rotated(cache.any_keys_rotated()), split_queries(cache.any_keys_read_split_queries()) {
  for (const Layer& layer : cache.layers()) {
    const LayerShape& shape = layer.shape();
    heads = std::max(heads, shape.heads);
    kv_heads = std::max(kv_heads, shape.kv_heads);
    group = std::max(group, shape.group());
    key_size = std::max(key_size, shape.key_size);
    value_size = std::max(value_size, shape.value_size);
    key_page_bytes = std::max(key_page_bytes, layer.keys().exact().page_bytes());
    value_page_bytes = std::max(value_page_bytes, layer.values().exact().page_bytes());
  }
}

ScratchLayout ScratchLayout::joined(const ScratchLayout& other) const {
  ScratchLayout both = *this;
  const auto widen = [&](std::size_t ScratchLayout::*size) { both.*size = std::max(both.*size, other.*size); };
  for (auto size : {&ScratchLayout::heads, &ScratchLayout::kv_heads, &ScratchLayout::group, &ScratchLayout::key_size,
                    &ScratchLayout::value_size, &ScratchLayout::key_page_bytes, &ScratchLayout::value_page_bytes})
    widen(size);
  both.keys_rotated = keys_rotated || other.keys_rotated;
  both.split_queries = split_queries || other.split_queries;
  return both;
}

}  // namespace pith::kv
