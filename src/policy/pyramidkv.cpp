#include "policy/observation_window.h"
#include "policy/policies.h"

namespace pith::policy {

/// PyramidKV (Cai et al., arXiv 2406.02069): SnapKV's scores; lower layers keep more (allocator/pyramid.cpp). Defaults
/// are those of its official code's experiments.
PolicyPtr make_pyramidkv(const PolicyParameters& parameters) {
  return make_observation_window(
      {.owner = "eviction policy \"pyramidkv\"", .allocator = "pyramid", .window = 8, .kernel = 7, .max_pooling = true},
      parameters);
}

}  // namespace pith::policy
