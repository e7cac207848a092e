#include "kv/core/head.h"

#include <algorithm>

namespace pith::kv {

std::size_t Head::held_tokens(std::size_t tokens) const {
  if (!layer_->global()) return std::min(tokens, layer_->shape.window);
  return slots.held() + tokens % kPageTokens;
}

}  // namespace pith::kv
