#include "policy/parameters.h"
#include "policy/policies.h"
#include "policy/scores.h"

namespace pith::policy {
namespace {

/// KVzip (Kim et al., arXiv 2505.23416, section 3): evicts what is not needed to repeat the context, so that it does
/// not depend on the questions asked later.
///   score(t) = largest over the queries i of a pass that repeats the context, and over the group, of probability(i, t)
/// The paper ranks the heads of all layers together: allocator `adaptive` with alpha 0 and across_layers 1. The default
/// here is `adaptive` with its defaults, which keep each layer's share.
class KvZip final : public EvictionPolicy {
 public:
  PolicyNeeds needs() const override {
    return {.queries = PolicyNeeds::kAllQueries,
            .reduce = PolicyNeeds::Reduce::kMax,
            .group_max = true,
            .reconstruction = true};
  }
  std::string_view allocator() const override { return "adaptive"; }

  void score(const HeadView& head, std::span<float> scores) const override { score_by_attention(head, scores); }
};

}  // namespace

PolicyPtr make_kvzip(const PolicyParameters& parameters) {
  refuse_parameters("eviction policy \"kvzip\"", parameters);
  return std::make_unique<KvZip>();
}

}  // namespace pith::policy
