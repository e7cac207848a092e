#include "policy/parameters.h"
#include "policy/policies.h"
#include "policy/scores.h"

namespace pith::policy {
namespace {

/// StreamingLLM (Xiao et al., arXiv 2309.17453, section 3.2): keeps the newest tokens, and the attention sinks that
/// EvictionOptions::sinks protects.
///   score(t) = position of t
class Window final : public EvictionPolicy {
 public:
  void score(const HeadView& head, std::span<float> scores) const override {
    // Positions above 2^24 may round to equal scores; these are evicted oldest first all the same.
    for (std::size_t t = 0; t < scores.size(); ++t) scores[t] = static_cast<float>(head.positions[t]);
  }
};

}  // namespace

PolicyPtr make_window(const PolicyParameters& parameters) {
  refuse_parameters("eviction policy \"window\"", parameters);
  return std::make_unique<Window>();
}

}  // namespace pith::policy
