#pragma once

#include <pith/options.h>

#include <cstddef>
#include <span>
#include <vector>

// How far apart two rows of logits lie. All of it in double, so that differences of float32 rounding still show, and
// with the same result whatever thread it runs on.
namespace pith::eval {

/// The softmax of a row of logits. Memory is kept from row to row.
class Distribution {
 public:
  /// Of finite logits [vocab], at least one.
  void assign(std::span<const float> logits);

  /// [vocab]; their sum is 1. Less than e^-700 of the largest counts as that.
  std::span<const double> probabilities() const noexcept { return probabilities_; }
  /// ln sum exp(logits), split in two: a logit minus the first is exact where it matters.
  double largest() const noexcept { return largest_; }
  double log_total() const noexcept { return log_total_; }
  /// The likeliest token; of equal ones the first, as in greedy decoding.
  std::size_t top() const noexcept { return top_; }

 private:
  std::vector<double> probabilities_;
  double largest_ = 0;
  double log_total_ = 0;
  std::size_t top_ = 0;
};

/// KL(p || q) in nats of the distributions of two rows of logits [vocab]. Never negative; exactly 0 of equal rows.
/// Summed as p (ln p - ln q) - p + q, which is the same because both sum to 1, but has no negative terms: what rounding
/// does to the logarithms cancels out.
double kl_divergence(std::span<const float> p_logits, const Distribution& p, std::span<const float> q_logits,
                     const Distribution& q) noexcept;

/// -ln softmax(logits)[token].
double negative_log_likelihood(std::span<const float> logits, Token token);
/// The same of logits whose softmax is known.
double negative_log_likelihood(std::span<const float> logits, const Distribution& softmax, Token token) noexcept;

/// The share-th quantile of numbers in ascending order, share in [0, 1], linear between neighbours. 0 of none.
double quantile(std::span<const double> ascending, double share) noexcept;

}  // namespace pith::eval
