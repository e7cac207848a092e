#pragma once

#include <cstddef>
#include <deque>
#include <vector>

#include "kv/write/staging.h"
#include "model/spec.h"

namespace pith::model {

/// Where the keys and values of a pass are staged. A layer's are gone with the next layer, but for those that later
/// layers read, which have staging areas of their own until the pass ends. One owner at a time.
class Stagings {
 public:
  Stagings(const ModelSpec& spec, const kv::ScratchLayout& caches, std::size_t tokens_max);

  std::size_t bytes() const;
  /// Returns where a layer with a cache stages.
  kv::Staging& of(std::size_t layer) { return all_[by_layer_[layer]]; }
  /// Returns whether later layers read what a layer stages.
  bool lent(std::size_t layer) const { return by_layer_[layer] != 0; }
  /// Returns the layers whose keys and values later ones read, in order.
  const std::vector<std::size_t>& lenders() const { return lenders_; }

 private:
  std::vector<std::size_t> lenders_;
  std::vector<std::size_t> by_layer_;
  std::deque<kv::Staging> all_;  ///< The first is that of all other layers.
};

}  // namespace pith::model
