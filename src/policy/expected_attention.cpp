#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "policy/future_queries.h"
#include "policy/parameters.h"
#include "policy/policies.h"
#include "policy/scores.h"

namespace pith::policy {
namespace {

constexpr double kMinusInfinity = -std::numeric_limits<double>::infinity();

constexpr std::array kSpecs = {
    ParameterSpec{"horizon", 512, 1, 1 << 20, Numbers::kWhole},
    // The value that kvpress uses where it measures this policy.
    ParameterSpec{"epsilon", 0.01, 0.0, 1.0},
    ParameterSpec{"sinks", 4, 0, 4096, Numbers::kWhole},
};

/// log(exp(a) + exp(b))
double log_add(double a, double b) {
  const double larger = std::max(a, b);
  return larger == kMinusInfinity ? larger : larger + std::log1p(std::exp(std::min(a, b) - larger));
}

/// Expected attention (Devoto et al., arXiv 2510.00636, section 3): how much attention future queries will give a token
/// if they come from a normal distribution with the mean m and the covariance C of past queries, rotated by the mean R
/// of the rotations of the next `horizon` positions.
///   logit(t) = scale * key(t) . R m + scale^2 / 2 * key(t) . (R C R') key(t)     log of the expectation of exp(q . k)
///   attention(t) = mean over the group of softmax(logit)(t)
///   score(t) = (attention(t) + epsilon) * |value(t)|
/// Computed and returned as logarithms, which rank the same and do not overflow. Tokens of the first `sinks` positions,
/// which take most of the attention and stay anyway, are left out of the softmax's sum.
class ExpectedAttention final : public EvictionPolicy {
 public:
  explicit ExpectedAttention(const Parameters& parameters)
      : horizon_(parameters.whole("horizon")),
        log_epsilon_(std::log(parameters.real("epsilon"))),
        sinks_(parameters.whole("sinks")) {}

  PolicyNeeds needs() const override { return {.keys = true, .values = true, .query_statistics = true}; }

  void score(const HeadView& head, std::span<float> scores) const override {
    const std::vector<double> attention = log_attention(head);
    for (std::size_t t = 0; t < scores.size(); ++t) {
      const double log_value = std::log(length_of(row_of(head.values, head.value_size, t)));
      scores[t] = finite_score(log_add(attention[t], log_epsilon_) + log_value);
    }
  }

 private:
  /// Returns [tokens]; zeros before the first query.
  std::vector<double> log_attention(const HeadView& head) const {
    const bool known = head.queries != nullptr && head.queries->count > 0 && head.key_size > 0;
    const std::size_t group = known ? head.queries->mean.size() / head.key_size : 0;
    if (group == 0) return std::vector<double>(head.tokens(), 0.0);
    std::vector<double> sum(head.tokens(), kMinusInfinity);
    for (std::size_t n = 0; n < group; ++n) {
      FutureQueries queries(head, n, horizon_);
      std::vector<double> logits(head.tokens());
      for (std::size_t t = 0; t < logits.size(); ++t) {
        logits[t] = bounded(queries.log_expectation(row_of(head.keys, head.key_size, t)));
      }
      const double total = log_total(head, logits);
      for (std::size_t t = 0; t < logits.size(); ++t) sum[t] = log_add(sum[t], logits[t] - total);
    }
    for (double& x : sum) x -= std::log(static_cast<double>(group));
    return sum;
  }

  double log_total(const HeadView& head, std::span<const double> logits) const {
    double total = kMinusInfinity;
    for (std::size_t t = 0; t < logits.size(); ++t) {
      if (head.positions[t] >= sinks_) total = log_add(total, logits[t]);
    }
    return total == kMinusInfinity ? 0.0 : total;
  }

  /// Keys with NaN get no attention, and nothing is infinite, so that differences are never NaN.
  static double bounded(double logit) {
    constexpr double kMost = 1e30;
    return std::isnan(logit) ? -kMost : std::clamp(logit, -kMost, kMost);
  }

  int horizon_;
  double log_epsilon_;
  std::int32_t sinks_;
};

}  // namespace

PolicyPtr make_expected_attention(const PolicyParameters& parameters) {
  return std::make_unique<ExpectedAttention>(Parameters("eviction policy \"expected-attention\"", kSpecs, parameters));
}

}  // namespace pith::policy
