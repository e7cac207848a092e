#include "model/norm.h"

#include <algorithm>
#include <cmath>

namespace pith::model {
namespace {

/// Sums run in order and in double, so that every machine gets the same bits.
void layer_norm(const float* x, const float* weight, const float* bias, std::size_t length, double epsilon,
                float* out) {
  double sum = 0.0;
  for (std::size_t i = 0; i < length; ++i) sum += static_cast<double>(x[i]);
  const double mean = sum / static_cast<double>(length);
  double squares = 0.0;
  for (std::size_t i = 0; i < length; ++i) {
    const double centered = static_cast<double>(x[i]) - mean;
    squares += centered * centered;
  }
  const double scale = 1.0 / std::sqrt(squares / static_cast<double>(length) + epsilon);
  for (std::size_t i = 0; i < length; ++i) {
    const auto normal = static_cast<float>((static_cast<double>(x[i]) - mean) * scale);
    out[i] = normal * weight[i] + (bias == nullptr ? 0.0F : bias[i]);
  }
}

}  // namespace

void Norm::apply(const kernels::KernelTable& k, const float* x, std::size_t length, float* out,
                 std::size_t first) const {
  switch (spec_->kind) {
    case NormKind::kNone:
      if (out != x) std::copy_n(x, length, out);
      return;
    case NormKind::kRms:
      return k.rms_norm(x, weights_->weight.data() + first, length, spec_->epsilon, out);
    case NormKind::kLayer:
      return layer_norm(x, weights_->weight.data() + first,
                        weights_->bias.empty() ? nullptr : weights_->bias.data() + first, length,
                        static_cast<double>(spec_->epsilon), out);
  }
}

const Norm& no_norm() {
  static const NormSpec spec;
  static const NormWeights weights;
  static const Norm norm(spec, weights);
  return norm;
}

}  // namespace pith::model
