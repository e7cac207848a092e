#include "policy/parameters.h"
#include "policy/policies.h"
#include "policy/scores.h"

namespace pith::policy {
namespace {

/// L2 norm (Devoto et al., arXiv 2406.11430): keeps tokens with short keys, which tend to get attention.
///   score(t) = -|key(t)|
class KeyNorm final : public EvictionPolicy {
 public:
  PolicyNeeds needs() const override { return {.keys = true}; }

  void score(const HeadView& head, std::span<float> scores) const override {
    for (std::size_t t = 0; t < scores.size(); ++t) {
      scores[t] = finite_score(-length_of(row_of(head.keys, head.key_size, t)));
    }
  }
};

}  // namespace

PolicyPtr make_knorm(const PolicyParameters& parameters) {
  refuse_parameters("eviction policy \"knorm\"", parameters);
  return std::make_unique<KeyNorm>();
}

}  // namespace pith::policy
