#include <array>

#include "policy/parameters.h"
#include "policy/policies.h"
#include "policy/scores.h"

namespace pith::policy {
namespace {

constexpr std::array kSpecs = {
    // The paper's sum does not decay.
    ParameterSpec{"decay", 1.0, 0.0, 1.0, Numbers::kAboveLeast},
    // The paper gives half of its budget to the newest tokens; here that is EvictionOptions::recent.
    ParameterSpec{"grace", 0, 0, 1 << 20, Numbers::kWhole},
};

/// Heavy-hitter oracle (Zhang et al., arXiv 2306.14048, section 4.1 and algorithm 1): keeps tokens that received the
/// most attention in total.
///   score(t) = sum over queries i >= t of decay^(queries after i) * probability(i, t)
/// A sum over queries is unfair to young tokens: `grace` protects tokens that fewer than `grace` queries have seen.
class H2o final : public EvictionPolicy {
 public:
  explicit H2o(const Parameters& parameters)
      : decay_(static_cast<float>(parameters.real("decay"))), grace_(parameters.whole("grace")) {}

  PolicyNeeds needs() const override { return {.queries = PolicyNeeds::kAllQueries, .decay = decay_}; }

  void score(const HeadView& head, std::span<float> scores) const override { score_by_attention(head, scores); }

  void protect(const HeadView& head, std::span<std::uint8_t> kept) const override {
    // A token at position p was seen by head.position - p queries, including its own: fewer than `grace` for the last
    // grace - 1 positions.
    if (grace_ > 0) protect_last(head, grace_ - 1, kept);
  }

 private:
  float decay_;
  int grace_;
};

}  // namespace

PolicyPtr make_h2o(const PolicyParameters& parameters) {
  return std::make_unique<H2o>(Parameters("eviction policy \"h2o\"", kSpecs, parameters));
}

}  // namespace pith::policy
