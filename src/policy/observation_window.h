#pragma once

#include <pith/eviction.h>

#include <memory>
#include <string_view>

namespace pith::policy {

/// Defaults of a policy that scores by an observation window.
struct ObservationWindow {
  std::string_view owner;      ///< Name in messages.
  std::string_view allocator;  ///< EvictionPolicy::allocator().
  int window;
  int kernel;
  bool max_pooling;
};

/// SnapKV's scores (Li et al., arXiv 2404.14469, section 4):
///   seen(t) = sum over the last `window` queries i of probability(i, t)
///   score(t) = mean or largest of seen over the `kernel` tokens around t
/// The window itself is protected and takes no part in pooling; a mean counts zeros beyond the ends. Neighbours are
/// those among the tokens that the head still holds. Parameters: window, kernel, max_pooling (0 or 1).
std::unique_ptr<const EvictionPolicy> make_observation_window(const ObservationWindow& presets,
                                                              const PolicyParameters& parameters);

}  // namespace pith::policy
