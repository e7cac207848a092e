#include "model/stagings.h"

namespace pith::model {

Stagings::Stagings(const ModelSpec& spec, const kv::ScratchLayout& caches, std::size_t tokens_max)
    : by_layer_(spec.layers.size()) {
  for (std::size_t i = 0; i < spec.layers.size(); ++i) {
    if (!spec.lends_cache(i)) continue;
    lenders_.push_back(i);
    by_layer_[i] = lenders_.size();
  }
  for (std::size_t i = 0; i <= lenders_.size(); ++i) all_.emplace_back(caches, tokens_max);
}

std::size_t Stagings::bytes() const {
  std::size_t total = 0;
  for (const kv::Staging& staging : all_) total += staging.bytes();
  return total;
}

}  // namespace pith::model
