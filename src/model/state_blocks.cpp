#include "model/state_blocks.h"

#include <memory>

namespace pith::model {

void StateBlocks::begin(std::span<const kv::Step> steps) {
  layers_ = steps.front().cache->states().layers();
  if (blocks_.size() < steps.size() * layers_) blocks_.resize(steps.size() * layers_);
  for (std::size_t s = 0; s < steps.size(); ++s) {
    const kv::States& states = steps[s].cache->states();
    for (std::size_t i = 0; i < layers_; ++i) {
      kv::States::Block& block = blocks_[s * layers_ + i];
      if (block == nullptr || block->size() != states.size(i)) block = std::make_shared<Buffer<float>>(states.size(i));
    }
  }
}

void StateBlocks::commit(std::span<const kv::Step> steps) noexcept {
  for (std::size_t s = 0; s < steps.size(); ++s) {
    for (std::size_t i = 0; i < layers_; ++i) {
      kv::States::Block& block = blocks_[s * layers_ + i];
      steps[s].cache->states().exchange(i, block);
      if (block.use_count() > 1) block.reset();
    }
  }
}

std::size_t StateBlocks::bytes() const {
  std::size_t bytes = 0;
  for (const kv::States::Block& block : blocks_) bytes += block ? block->size() * sizeof(float) : 0;
  return bytes;
}

}  // namespace pith::model
