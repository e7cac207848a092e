#include "kv/core/layer.h"

#include <algorithm>

namespace pith::kv {

Layer::Layer(std::shared_ptr<const LayerConfig> config, std::size_t first_index) : config_(std::move(config)) {
  heads_.reserve(shape().kv_heads);
  for (std::size_t h = 0; h < shape().kv_heads; ++h) heads_.emplace_back(*config_, h, first_index + h);
}

std::size_t Head::held_tokens(std::size_t tokens) const {
  if (!layer_->global()) return std::min(tokens, layer_->shape.window);
  return slots.held() + tokens % kPageTokens;
}

}  // namespace pith::kv
