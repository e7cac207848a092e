#include "kv/read/step_reading.h"

#include <algorithm>

#include "kv/share/topic.h"

namespace pith::kv {

std::size_t slots_seen(const HeadSlots& head, std::size_t own_page) {
  std::size_t count = head.slots.size();
  while (count > 0 && !head.slots[count - 1].packed() &&
         static_cast<std::size_t>(head.slots[count - 1].page) >= own_page)
    --count;
  return count;
}

void StepReading::begin(const Step& step, const Layer& layer, const StagedPages& staged) {
  step_ = &step;
  layer_ = &layer;
  staged_ = &staged;
  list_blocks(step, layer.heads().size(), blocks_);
  readings_.resize(blocks_.size());
  if (chooses() && choices_.size() < blocks_.size()) choices_.resize(blocks_.size());
  observation_.begin(step.cache->observers(), layer, step.tokens, blocks_);
  shifts_.find(layer, step);
  list_borrowed();
}

void StepReading::list_borrowed() {
  borrowed_.clear();
  const Cache& cache = *step_->cache;
  std::size_t chunks = 0;
  for (std::size_t i = 0; i < cache.borrowed().size(); ++i) {
    const Cache& other = *cache.borrowed()[i].cache;
    const HeadSlots& slots = other.layer(layer_->config().number).head(0).slots;
    const std::size_t count = slots.slots.size() / kChunkPages + 1;
    borrowed_.push_back({&other, chunks, count, shifts_of_borrowed(slots, cache, i)});
    chunks += count;
  }
}

const BorrowedReading& StepReading::borrowed(std::size_t chunk) const {
  const auto holds = [&](const BorrowedReading& reading) { return chunk < reading.first_chunk + reading.chunks; };
  return *std::find_if(borrowed_.begin(), borrowed_.end(), holds);
}

void StepReading::choose(const AttendBlock& block, const float* queries) {
  const std::size_t seen = slots_seen(head(block).slots, block.own_page());
  const std::size_t borrowed = borrowed_.empty() ? 0 : borrowed_.back().first_chunk + borrowed_.back().chunks;
  readings_[block.number] = {seen, nullptr, borrowed};
  if (!chooses()) return;
  const std::vector<std::uint32_t>& chosen =
      choices_[block.number].choose(step_->cache->options().sparse, head(block), queries, seen, block.own_page());
  readings_[block.number] = {chosen.size(), chosen.data(), borrowed};
}

void StepReading::share_observation(Ranks& ranks, std::size_t layer) {
  if (observation_.on()) observation_.share(ranks, topic(Topic::kObserved, layer, step_->position));
}

void StepReading::finish(bool again) {
  if (observation_.on()) observation_.finish(*layer_, blocks_, again);
}

}  // namespace pith::kv
