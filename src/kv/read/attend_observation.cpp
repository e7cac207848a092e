#include "kv/read/attend_observation.h"

#include <algorithm>

#include "kv/share/message.h"

namespace pith::kv {

void BatchObservation::begin(Observers& observers, const Layer& layer, std::size_t tokens,
                             std::span<const AttendBlock> blocks) {
  observers_ = &observers;
  cells_ = 0;
  if (!layer.global() || observers.list().empty() || !observers.counts(0, tokens)) return;
  // All heads of a layer get the same room, that of the largest.
  for (const Head& head : layer.heads()) cells_ = std::max(cells_, head.slots.cells());
  counted_.resize(blocks.size());
  for (const AttendBlock& block : blocks) counted_[block.number] = observers.counts(block.token, block.tokens) ? 1 : 0;
  gathered_.resize(blocks.size() * observers.list().size() * part_size());
}

std::span<double> BatchObservation::parts(const AttendBlock& block) {
  const std::size_t size = observers_->list().size() * part_size();
  return std::span(gathered_).subspan(block.number * size, size);
}

void BatchObservation::gather_block(const LayerConfig& layer, const AttendBlock& block, const SoftmaxRows& rows,
                                    float* scores) {
  gather(*layer.kernels, *observers_, {scores, cells_, layer.shape.group(), block.token}, rows, parts(block));
}

void BatchObservation::share(Ranks& ranks, std::uint64_t topic) {
  const auto said = ranks.exchange(topic, std::as_bytes(std::span(gathered_)));
  for (std::size_t rank = 0; rank < said.size(); ++rank) {
    if (rank == ranks.rank()) continue;
    RankMessage reader(said[rank], rank, "gathered attention");
    for (double& x : gathered_) x += reader.get<double>();
    reader.end();
  }
}

void BatchObservation::finish(const Layer& layer, std::span<const AttendBlock> blocks, bool again) {
  for (std::size_t o = 0; o < observers_->list().size(); ++o) {
    Observer& observer = observers_->list()[o];
    if (!again) {
      for (const Head& head : layer.heads()) observer.fade(head.index(), cells_);
    }
    for (const AttendBlock& block : blocks) {
      if (!counts(block)) continue;
      observer.take(layer.head(block.kv_head).index(), parts(block).subspan(o * part_size(), part_size()));
    }
    for (const Head& head : layer.heads()) {
      const HeadSlots& slots = head.slots;
      if (slots.exact_prefix != 0 && !slots.slots.empty() && slots.slots.front().page == 0)
        observer.move_to_prefix(head.index(), kExactPrefixTokens);
    }
  }
}

}  // namespace pith::kv
