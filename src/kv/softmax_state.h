#pragma once

#include <cstddef>

#include "base/buffer.h"
#include "kernels/table.h"

namespace pith::kv {

/// Unnormalized attention of some rows over some tokens: out[r] = sum of exp(score - max[r]) * value, state[r] = {max,
/// sum}. States over disjoint tokens merge exactly (up to rounding) in any grouping; we always merge in chunk order.
struct SoftmaxRows {
  kernels::SoftmaxState* state = nullptr;  ///< [rows]
  float* out = nullptr;                    ///< [rows, size]
  std::size_t rows = 0;
  std::size_t size = 0;
};

/// No tokens seen.
void reset(const SoftmaxRows& rows);

/// into = into and part together.
void merge(const kernels::KernelTable& kernels, const SoftmaxRows& part, const SoftmaxRows& into);

}  // namespace pith::kv
