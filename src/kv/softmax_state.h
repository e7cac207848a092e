#pragma once

#include <cstddef>

#include "base/buffer.h"
#include "kernels/table.h"

namespace pith::kv {

/// Unnormalized attention of some rows over some tokens: out[r] = sum of 2^(score - references[r]) * value, sums[r] the
/// sum of the same weights. States over disjoint tokens merge exactly (up to rounding) in any grouping; we always merge
/// in chunk order.
struct SoftmaxRows {
  float* references = nullptr;  ///< [rows]
  float* sums = nullptr;        ///< [rows]
  float* out = nullptr;         ///< [rows, size]
  std::size_t rows = 0;
  std::size_t size = 0;
};

/// No tokens seen.
void reset(const SoftmaxRows& rows);

/// into = into and part together.
void merge(const kernels::KernelTable& kernels, const SoftmaxRows& part, const SoftmaxRows& into);

}  // namespace pith::kv
