#include "policy/allocator/layers.h"

namespace pith::policy {

std::vector<LayerHeads> layers_of(std::span<const HeadScores> heads) {
  std::vector<LayerHeads> layers;
  for (std::size_t i = 0; i < heads.size(); ++i) {
    if (i == 0 || heads[i].layer != heads[i - 1].layer) layers.push_back({.begin = i});
    layers.back().end = i + 1;
    layers.back().candidates += heads[i].scores.size();
  }
  return layers;
}

std::vector<std::size_t> candidates_of(std::span<const HeadScores> heads) {
  std::vector<std::size_t> candidates;
  candidates.reserve(heads.size());
  for (const HeadScores& head : heads) candidates.push_back(head.scores.size());
  return candidates;
}

}  // namespace pith::policy
