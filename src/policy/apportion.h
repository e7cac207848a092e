#pragma once

#include <cstddef>
#include <span>

namespace pith::policy {

/// Splits `total` into integer shares in proportion to weights (at least 0), none above its capacity. What does not fit
/// goes to the others in proportion; rounding remainders go to the largest fractions, and among equal ones to the
/// first. The shares add up to `total`, or to the sum of the capacities if that is less. All spans have the same
/// length.
void apportion(std::span<const double> weights, std::span<const std::size_t> capacities, std::size_t total,
               std::span<std::size_t> shares);

}  // namespace pith::policy
