#include "kv/read/step_reading.h"

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
  shifts_.find(layer, step.cache->options().trained, step.end());
}

void StepReading::choose(const AttendBlock& block, const float* queries) {
  const std::size_t seen = slots_seen(head(block).slots, block.own_page());
  readings_[block.number] = {seen, nullptr};
  if (!chooses()) return;
  const std::vector<std::uint32_t>& chosen =
      choices_[block.number].choose(step_->cache->options().sparse, head(block), queries, seen, block.own_page());
  readings_[block.number] = {chosen.size(), chosen.data()};
}

std::size_t StepReading::shift(const AttendBlock& block, std::size_t cell) const {
  // Blocks begin and end at multiples of kBlockTokens, so a block lies past the limit as a whole.
  const bool past = !shifts_.none() && block.position / kBlockTokens * kBlockTokens >= step_->cache->options().trained;
  return past ? shifts_.of(block.kv_head, cell) : 0;
}

void StepReading::finish() {
  if (observation_.on()) observation_.finish(*layer_, blocks_);
}

}  // namespace pith::kv
