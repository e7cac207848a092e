#pragma once

#include <pith/eviction.h>

#include <cstddef>
#include <span>
#include <vector>

namespace pith::policy {

/// The queries of the next positions as a normal distribution (arXiv 2510.00636, section 3): past queries, rotated by
/// the mean of the rotations of these positions.
class FutureQueries {
 public:
  /// Predicts the queries of member `member` of the head's group for `horizon` positions from head.position on.
  FutureQueries(const HeadView& head, std::size_t member, int horizon);

  /// Returns the logarithm of the expectation of exp(scale * query . key).
  double log_expectation(std::span<const float> key);

 private:
  std::vector<float> mean_;  ///< [size], times the scale
  /// Covariance [size, size] times scale^2 / 2: upper triangle, in which off-diagonal elements count for both.
  std::vector<float> spread_;
  std::vector<float> product_;  ///< [size], scratch
};

}  // namespace pith::policy
