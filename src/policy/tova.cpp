#include "policy/parameters.h"
#include "policy/policies.h"
#include "policy/scores.h"

namespace pith::policy {
namespace {

/// Token omission via attention (Oren et al., arXiv 2401.06104, section 3.2): evicts the tokens that the newest query
/// attends to least.
///   score(t) = probability(last query, t)
/// The paper takes the mean over all heads of a layer; here each KV head decides by the mean over its own group.
class Tova final : public EvictionPolicy {
 public:
  PolicyNeeds needs() const override { return {.queries = 1}; }

  void score(const HeadView& head, std::span<float> scores) const override { score_by_attention(head, scores); }
};

}  // namespace

PolicyPtr make_tova(const PolicyParameters& parameters) {
  refuse_parameters("eviction policy \"tova\"", parameters);
  return std::make_unique<Tova>();
}

}  // namespace pith::policy
