#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "kv/core/head.h"

namespace pith::kv {

/// The KV heads of one layer. Copies share what never changes, and all pages copy-on-write.
class Layer {
 public:
  /// `first_index` is the index of the first head among those of the cache.
  Layer(std::shared_ptr<const LayerConfig> config, std::size_t first_index);

  const LayerConfig& config() const { return *config_; }
  const LayerShape& shape() const { return config_->shape; }
  std::size_t window() const { return config_->shape.window; }
  bool global() const { return config_->global(); }
  const SideConfig& side(KvSide side) const { return config_->side(side); }
  const SideConfig& keys() const { return config_->keys(); }
  const SideConfig& values() const { return config_->values(); }

  std::span<Head> heads() { return heads_; }
  std::span<const Head> heads() const { return heads_; }
  Head& head(std::size_t number) { return heads_[number]; }
  const Head& head(std::size_t number) const { return heads_[number]; }

 private:
  std::shared_ptr<const LayerConfig> config_;
  std::vector<Head> heads_;
};

}  // namespace pith::kv
