#include "kv/core/layer.h"

namespace pith::kv {

Layer::Layer(std::shared_ptr<const LayerConfig> config, std::size_t first_index) : config_(std::move(config)) {
  heads_.reserve(shape().kv_heads);
  for (std::size_t h = 0; h < shape().kv_heads; ++h) heads_.emplace_back(*config_, h, first_index + h);
}

}  // namespace pith::kv
