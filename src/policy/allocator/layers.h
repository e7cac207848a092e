#pragma once

#include <pith/eviction.h>

#include <cstddef>
#include <span>
#include <vector>

namespace pith::policy {

/// Heads [begin, end) of one layer, and the tokens that may go in them.
struct LayerHeads {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::size_t candidates = 0;

  std::size_t heads() const noexcept { return end - begin; }
};

/// Groups heads by layer, in order.
std::vector<LayerHeads> layers_of(std::span<const HeadScores> heads);

/// Returns the number of candidates of each head.
std::vector<std::size_t> candidates_of(std::span<const HeadScores> heads);

}  // namespace pith::policy
