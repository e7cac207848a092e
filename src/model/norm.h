#pragma once

#include <cstddef>

#include "kernels/table.h"
#include "model/spec.h"
#include "model/weights.h"

namespace pith::model {

/// A norm as the forward pass applies it: its spec and its weights, which outlive it.
class Norm {
 public:
  Norm(const NormSpec& spec, const NormWeights& weights) : spec_(&spec), weights_(&weights) {}

  bool present() const { return spec_->present(); }
  /// Writes the norm of x [length] to out, which may be x, with the weights from `first` on.
  void apply(const kernels::KernelTable& k, const float* x, std::size_t length, float* out,
             std::size_t first = 0) const;

 private:
  const NormSpec* spec_;
  const NormWeights* weights_;
};

/// Returns the norm that leaves everything as it is.
const Norm& no_norm();

}  // namespace pith::model
