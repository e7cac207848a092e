#pragma once

#include <cstddef>
#include <vector>

#include "kernels/table.h"

namespace pith::kv {

/// A fixed orthogonal map R = H S: random signs, then a Walsh-Hadamard transform. It spreads outliers over all elements
/// and makes elements nearly normal (QuIP#, arXiv 2402.04396; TurboQuant, arXiv 2504.19874). A size that is no power of
/// two is transformed in runs of descending powers of two (80 = 64 + 16). Immutable: safe from any thread.
class HadamardRotation {
 public:
  /// `size` is a multiple of 16.
  explicit HadamardRotation(std::size_t size);

  /// Transforms x [size] in place.
  void apply(const kernels::KernelTable& kernels, float* x) const;
  void invert(const kernels::KernelTable& kernels, float* x) const;

 private:
  void transform(const kernels::KernelTable& kernels, float* x) const;

  /// +1 or -1. [size]
  std::vector<float> signs_;
};

}  // namespace pith::kv
