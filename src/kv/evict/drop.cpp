#include "kv/evict/drop.h"

#include <utility>

#include "kv/evict/pack.h"

namespace pith::kv {

void drop(Cache& cache, ThreadPool& pool, std::size_t first, std::size_t last) {
  Holes holes = cache.holes();
  holes.add(first, last);
  for (Head* head : cache.heads()) {
    head->slots.exact_prefix &= holes.left_of(0);
    for (Slot& slot : head->slots.slots) slot.live &= holes.left_of(static_cast<std::size_t>(slot.page));
  }
  cache.set_holes(std::move(holes));
  for (Layer& layer : cache.layers()) {
    if (layer.global()) pack(cache, layer, pool, Packing::kEmpty);
  }
}

}  // namespace pith::kv
