#include "model/rope.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/rotary_pairs.h"

namespace pith::model {
namespace {

/// Returns the pair that makes `rotations` rotations over the original context (as in the
/// code of the authors of 2309.00071, section 3.2).
double pair_of_rotations(const RopeParams& p, double rotations) {
  return static_cast<double>(p.dims) * std::log(p.original_context / (rotations * 2.0 * std::numbers::pi)) /
         (2.0 * std::log(p.base));
}

/// Returns how much of its own frequency a pair keeps: YaRN leaves fast pairs alone, interpolates slow ones and blends
/// in between (2309.00071, section 3.2).
double yarn_share_kept(const RopeParams& p, std::size_t pair) {
  const double last = static_cast<double>(p.dims) - 1.0;
  const double low = std::max(0.0, std::floor(pair_of_rotations(p, p.beta_fast)));
  const double high = std::min(last, std::ceil(pair_of_rotations(p, p.beta_slow)));
  const double ramp = (static_cast<double>(pair) - low) / std::max(0.001, high - low);
  return 1.0 - std::clamp(ramp, 0.0, 1.0);
}

}  // namespace

Rope::Rope(const RopeParams& params, std::span<const float> frequency_factors, std::size_t tokens_max)
    : pairs_(params.pairs),
      half_(params.dims / 2),
      frequencies_(half_),
      cos_(tokens_max * half_),
      sin_(tokens_max * half_) {
  for (std::size_t i = 0; i < half_; ++i) {
    const double exponent = -2.0 * static_cast<double>(i) / static_cast<double>(params.dims);
    const double plain =
        std::pow(params.base, exponent) / (frequency_factors.empty() ? 1.0 : static_cast<double>(frequency_factors[i]));
    const double stretched = plain / params.factor;
    switch (params.scaling) {
      case RopeScaling::kNone:
        frequencies_[i] = plain;
        break;
      case RopeScaling::kLinear:
        frequencies_[i] = stretched;
        break;
      case RopeScaling::kYarn: {
        const double kept = yarn_share_kept(params, i);
        frequencies_[i] = stretched * (1.0 - kept) + plain * kept;
        break;
      }
    }
  }
  const bool yarn_grows = params.scaling == RopeScaling::kYarn && params.factor > 1.0;
  magnitude_ = static_cast<float>(params.attention_factor * (yarn_grows ? 1.0 + 0.1 * std::log(params.factor) : 1.0));
}

void Rope::prepare(std::size_t row, std::size_t position, std::size_t tokens) {
  for (std::size_t m = row; m < row + tokens; ++m) {
    for (std::size_t i = 0; i < half_; ++i) {
      const double angle = static_cast<double>(position + m - row) * frequencies_[i];
      cos_[m * half_ + i] = static_cast<float>(std::cos(angle)) * magnitude_;
      sin_[m * half_ + i] = static_cast<float>(std::sin(angle)) * magnitude_;
    }
  }
}

void Rope::apply(float* head, std::size_t m) const {
  const float* cos = cos_.data() + m * half_;
  const float* sin = sin_.data() + m * half_;
  const RotaryPairs pairs(half_, pairs_ == RopePairs::kInterleaved);
  pairs.rotate(head, [=](std::size_t i) { return Turn<float>{cos[i], sin[i]}; });
}

}  // namespace pith::model
