#pragma once

#include <cstddef>

#include "base/buffer.h"
#include "kernels/table.h"

namespace pith::kv {

/// Unnormalized attention of some rows over some tokens: out[r] = sum of 2^(score - references[r]) * value, sums[r] =
/// sum of the same weights. States over disjoint tokens can be merged in any grouping up to rounding; MergeTree fixes
/// the grouping, so that results are the same bit for bit.
struct SoftmaxRows {
  float* references = nullptr;  ///< [rows]
  float* sums = nullptr;        ///< [rows]
  float* out = nullptr;         ///< [rows, size]
  std::size_t rows = 0;
  std::size_t size = 0;
};

/// Sets the state over no tokens.
void reset(const SoftmaxRows& rows);

/// Merges `part` into `into`. Overwrites part.out.
void merge(const kernels::KernelTable& kernels, const SoftmaxRows& part, const SoftmaxRows& into);

}  // namespace pith::kv
