#include "kv/core/head.h"

#include <algorithm>

namespace pith::kv {

std::size_t LayerConfig::first_changed(std::size_t tokens) const {
  if (!global()) return first_visible(tokens, shape.window) / kPageTokens;
  std::size_t first = tokens / kPageTokens;
  for (const auto& side : sides) {
    if (side->recent() != nullptr) first = std::min(first, side->old_pages(tokens));
  }
  return first;
}

std::size_t Head::held_tokens(std::size_t tokens) const {
  if (!layer_->global()) return std::min(tokens, layer_->shape.window);
  return slots.held() + tokens % kPageTokens;
}

}  // namespace pith::kv
