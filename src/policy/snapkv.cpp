#include "policy/observation_window.h"
#include "policy/policies.h"

namespace pith::policy {

/// SnapKV (Li et al., arXiv 2404.14469) with the defaults of its official code.
PolicyPtr make_snapkv(const PolicyParameters& parameters) {
  return make_observation_window(
      {.owner = "eviction policy \"snapkv\"", .allocator = "uniform", .window = 32, .kernel = 5, .max_pooling = false},
      parameters);
}

}  // namespace pith::policy
