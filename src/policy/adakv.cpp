#include "policy/observation_window.h"
#include "policy/policies.h"

namespace pith::policy {

/// Ada-SnapKV (Feng et al., arXiv 2407.11550): SnapKV's scores; the heads of a layer share its budget by need
/// (allocator/adaptive.cpp). Defaults are those of its official code.
PolicyPtr make_adakv(const PolicyParameters& parameters) {
  return make_observation_window(
      {.owner = "eviction policy \"adakv\"", .allocator = "adaptive", .window = 32, .kernel = 7, .max_pooling = true},
      parameters);
}

}  // namespace pith::policy
