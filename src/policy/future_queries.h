#pragma once

#include <pith/eviction.h>

#include <cstddef>
#include <span>
#include <vector>

namespace pith::policy {

/// Queries of the next positions, as a normal distribution (arXiv 2510.00636, section 3): those that came so far,
/// turned by the mean of the rotations of these positions.
class FutureQueries {
 public:
  /// Of member `member` of the head's group, for `horizon` positions from head.position on.
  FutureQueries(const HeadView& head, std::size_t member, int horizon);

  /// log of the expectation of exp(scale * query . key).
  double log_expectation(std::span<const float> key);

 private:
  std::vector<float> mean_;  ///< [size], with the scale in it
  /// [size, size], upper triangle: elements off the diagonal stand for both; scale^2 / 2 is in it.
  std::vector<float> spread_;
  std::vector<float> product_;  ///< [size], scratch
};

}  // namespace pith::policy
