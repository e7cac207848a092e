#pragma once

#include <span>

#include "weights/matmul.h"

namespace pith::weights {

/// Adds to products what their matrices' added ones give: out += b (a x). The products have been computed. Each output
/// is bit for bit the same whatever other rows and products there are.
void add_low_rank(const kernels::KernelTable& kernels, ThreadPool& pool, std::span<const GroupProduct> products);

}  // namespace pith::weights
