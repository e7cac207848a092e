#pragma once

#include <cstddef>
#include <span>

namespace pith::policy {

/// Cuts `total` into whole shares in proportion to weights (at least 0), none above its capacity. What does not fit
/// goes to the others in proportion; remainders go to the largest fractions, equal ones to the first. The shares add up
/// to `total`, or to all capacities if these are less. All spans are of one length.
void apportion(std::span<const double> weights, std::span<const std::size_t> capacities, std::size_t total,
               std::span<std::size_t> shares);

}  // namespace pith::policy
