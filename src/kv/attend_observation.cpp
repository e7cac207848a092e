#include "kv/attend_observation.h"

#include <algorithm>

namespace pith::kv {

void BatchObservation::begin(const Cache& cache, std::size_t layer, const AttendBatch& batch,
                             std::span<const AttendBlock> blocks) {
  const Observers& observers = cache.observers();
  cells_ = 0;
  if (cache.shape().windows[layer] != 0 || observers.list().empty() || !observers.counts(0, batch.tokens)) return;
  // All heads of a layer get the same room, that of the largest.
  for (std::size_t h = 0; h < cache.shape().kv_heads; ++h) cells_ = std::max(cells_, cache.slots(layer, h).cells());
  counted_.resize(blocks.size());
  for (const AttendBlock& block : blocks) counted_[block.number] = observers.counts(block.token, block.tokens) ? 1 : 0;
  gathered_.resize(blocks.size() * observers.list().size() * cells_ * kPageTokens);
}

void BatchObservation::gather_block(const Cache& cache, const AttendBlock& block, const SoftmaxRows& rows,
                                    float* scores) {
  const std::size_t part = cache.observers().list().size() * cells_ * kPageTokens;
  gather(cache.kernels(), cache.observers(), {scores, cells_, cache.shape().group(), block.token}, rows,
         {&gathered_[block.number * part], part});
}

void BatchObservation::finish(Cache& cache, std::size_t layer, std::span<const AttendBlock> blocks) const {
  const std::size_t part = cells_ * kPageTokens;
  const std::size_t kv_heads = cache.shape().kv_heads;
  std::vector<Observer>& observers = cache.observers().list();
  for (std::size_t o = 0; o < observers.size(); ++o) {
    for (std::size_t h = 0; h < kv_heads; ++h) observers[o].fade(layer * kv_heads + h, cells_);
    for (const AttendBlock& block : blocks) {
      if (!counts(block)) continue;
      observers[o].take(layer * kv_heads + block.kv_head,
                        {&gathered_[(block.number * observers.size() + o) * part], part});
    }
    for (std::size_t h = 0; h < kv_heads; ++h) {
      const HeadSlots& head = cache.slots(layer, h);
      if (head.exact_prefix != 0 && !head.slots.empty() && head.slots.front().page == 0)
        observers[o].move_to_prefix(layer * kv_heads + h, kExactPrefixTokens);
    }
  }
}

}  // namespace pith::kv
