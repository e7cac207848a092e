#pragma once

#include <pith/token.h>

#include <cstddef>
#include <span>
#include <vector>

// Distances between rows of logits. Everything is computed in double, so that differences of float32 rounding show, and
// with the same result on every thread.
namespace pith::eval {

/// The softmax of a row of logits. Keeps its memory from row to row.
class Distribution {
 public:
  /// Takes finite logits [vocab], at least one.
  void assign(std::span<const float> logits);

  /// Probabilities [vocab] that sum to 1. Values below e^-700 of the largest are raised to that.
  std::span<const double> probabilities() const noexcept { return probabilities_; }
  /// ln sum exp(logits) in two parts, so that a logit minus the first part is exact where it matters.
  double largest() const noexcept { return largest_; }
  double log_total() const noexcept { return log_total_; }
  /// Returns the likeliest token, the first one among equals, as in greedy decoding.
  std::size_t top() const noexcept { return top_; }

 private:
  std::vector<double> probabilities_;
  double largest_ = 0;
  double log_total_ = 0;
  std::size_t top_ = 0;
};

/// Returns KL(p || q) in nats for two rows of logits [vocab]. Never negative, and exactly 0 for equal rows. Sums p (ln
/// p - ln q) - p + q, which gives the same because both sum to 1, but has no negative terms, so that rounding errors of
/// the logarithms cancel out.
double kl_divergence(std::span<const float> p_logits, const Distribution& p, std::span<const float> q_logits,
                     const Distribution& q) noexcept;

/// Returns -ln softmax(logits)[token].
double negative_log_likelihood(std::span<const float> logits, Token token);
/// The same, for logits whose softmax is known.
double negative_log_likelihood(std::span<const float> logits, const Distribution& softmax, Token token) noexcept;

/// Returns the quantile at `share` in [0, 1] of numbers in ascending order, interpolated linearly; 0 for no numbers.
double quantile(std::span<const double> ascending, double share) noexcept;

}  // namespace pith::eval
