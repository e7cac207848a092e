#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>

#include "weights/fit_lanes.h"

// Least squares for K-quants with minimums: a weight of group g is about d * scales[g] * code - dmin * mins[g], with
// unsigned integers for codes, scales and mins.
namespace pith::weights {

/// A group of weights as scale * code - min; neither is negative.
struct ScaleMin {
  float scale = 0.0F;
  float min = 0.0F;
};

/// What a type's super-blocks are made of, and the greatest integers that it stores.
struct MinShape {
  std::size_t groups;
  std::size_t group;
  float code_max;
  float scale_max;
};

/// Returns the codes nearest to the weights.
template <std::size_t count>
Group<count> codes_of(const Group<count>& x, const ScaleMin& by, float code_max) {
  Group<count> codes;
  const float per_scale = finite_inverse(by.scale);
  for (std::size_t i = 0; i < x.size(); ++i) {
    codes[i] = truncated(at_most(at_least((x[i] + by.min) * per_scale, 0.0F), code_max) + 0.5F);
  }
  return codes;
}

template <std::size_t count>
float squared_error(const Group<count>& x, const ScaleMin& by, const Group<count>& codes) {
  return sum_of<count>([&](std::size_t i) {
    const Lanes error = by.scale * codes[i] - (x[i] + by.min);
    return error * error;
  });
}

/// Returns the scale and the minimum that suit given codes best; `sum` is that of the weights.
template <std::size_t count>
ScaleMin best_for(const Group<count>& x, const Group<count>& codes, float sum) {
  constexpr auto kCount = static_cast<float>(count);
  const float c = sum_of<count>([&](std::size_t i) { return codes[i]; });
  const float cc = sum_of<count>([&](std::size_t i) { return codes[i] * codes[i]; });
  const float cx = sum_of<count>([&](std::size_t i) { return codes[i] * x[i]; });
  const float spread = kCount * cc - c * c;
  const float scale = spread > 0.0F ? (kCount * cx - c * sum) / spread : 0.0F;
  const float min = (scale * c - sum) / kCount;
  if (scale > 0.0F && min >= 0.0F) return {scale, min};
  // On the border of what is allowed: no minimum, or no scale.
  if (cx > 0.0F && cx * cx * kCount >= sum * sum * cc) return {cx / cc, 0.0F};
  return {0.0F, std::max(-sum / kCount, 0.0F)};
}

/// Returns about the best scale and minimum of a group: the best of several beginnings, each the range of the weights
/// stretched or cut a little, improved in turns of codes and scale.
template <std::size_t count>
ScaleMin fit_group_min(const Group<count>& x, float code_max) {
  constexpr int kBeginnings = 15;
  constexpr int kTurns = 4;
  float low = 0.0F;
  float high = element(x, 0);
  for (std::size_t i = 0; i < count; ++i) {
    low = std::min(low, element(x, i));
    high = std::max(high, element(x, i));
  }
  ScaleMin best{0.0F, -low};
  if (!(high > low)) return best;
  const float sum = sum_of<count>([&](std::size_t i) { return x[i]; });
  float least = std::numeric_limits<float>::infinity();
  const auto improve = [&](const ScaleMin& from) {
    const Group<count> codes = codes_of<count>(x, from, code_max);
    const ScaleMin now = best_for<count>(x, codes, sum);
    const float error = squared_error<count>(x, now, codes);
    if (!(error < least)) return false;
    least = error;
    best = now;
    return true;
  };
  for (int k = 0; k < kBeginnings; ++k) {
    const float steps = std::max(code_max + 0.1F * static_cast<float>(k - 9), 1.0F);
    improve({(high - low) / steps, -low});
  }
  for (int turn = 0; turn < kTurns && improve(best); ++turn) continue;
  return best;
}

/// The weights of a super-block.
template <MinShape shape>
using MinWeights = std::array<Group<shape.group>, shape.groups>;

/// A super-block: scales as f16 holds them, and integers.
template <MinShape shape>
struct SuperMin {
  float d = 0.0F;
  float dmin = 0.0F;
  std::array<float, shape.groups> scales{};
  std::array<float, shape.groups> mins{};
  std::array<Group<shape.group>, shape.groups> codes{};
  float error = 0.0F;
};

/// Sets a group's integers, given d and dmin: tries those around the real scale and minimum. Returns the squared error.
template <MinShape shape>
float round_group(const Group<shape.group>& x, const ScaleMin& real, std::size_t g, SuperMin<shape>& super) {
  const auto nearest = [](float value, float unit) {
    return std::min(std::floor(std::max(value, 0.0F) * finite_inverse(unit) + 0.5F), shape.scale_max);
  };
  const auto in_range = [](float integer) { return integer >= 0.0F && integer <= shape.scale_max; };
  float least = std::numeric_limits<float>::infinity();
  const float near_scale = nearest(real.scale, super.d);
  for (int k = -1; k <= 1; ++k) {
    const float s = near_scale + static_cast<float>(k);
    if (!in_range(s)) continue;
    // A scale that was rounded moves the best minimum.
    ScaleMin now{super.d * s, real.min};
    const auto tentative = codes_of<shape.group>(x, now, shape.code_max);
    const float excess = sum_of<shape.group>([&](std::size_t i) { return now.scale * tentative[i] - x[i]; });
    const float near_min = nearest(excess / static_cast<float>(shape.group), super.dmin);
    for (int l = -1; l <= 1; ++l) {
      const float m = near_min + static_cast<float>(l);
      if (!in_range(m)) continue;
      now.min = super.dmin * m;
      const auto codes = codes_of<shape.group>(x, now, shape.code_max);
      const float error = squared_error<shape.group>(x, now, codes);
      if (!(error < least)) continue;
      least = error;
      super.scales[g] = s;
      super.mins[g] = m;
      super.codes[g] = codes;
    }
  }
  return least;
}

/// Rounds everything, given d and dmin as real numbers.
template <MinShape shape>
SuperMin<shape> round_super(const MinWeights<shape>& x, const std::array<ScaleMin, shape.groups>& real,
                            const ScaleMin& unit) {
  SuperMin<shape> super;
  super.d = scale_f16(std::max(unit.scale, 0.0F));
  super.dmin = scale_f16(std::max(unit.min, 0.0F));
  for (std::size_t g = 0; g < shape.groups; ++g) super.error += round_group(x[g], real[g], g, super);
  return super;
}

/// Returns the d and dmin that suit given integers best.
template <MinShape shape>
ScaleMin best_units(const MinWeights<shape>& x, const SuperMin<shape>& super) {
  double ss = 0.0;
  double sm = 0.0;
  double mm = 0.0;
  double sx = 0.0;
  double mx = 0.0;
  for (std::size_t g = 0; g < shape.groups; ++g) {
    const auto& codes = super.codes[g];
    const double scale = super.scales[g];
    const double min = super.mins[g];
    ss += scale * scale * double{sum_of<shape.group>([&](std::size_t i) { return codes[i] * codes[i]; })};
    sm += scale * min * double{sum_of<shape.group>([&](std::size_t i) { return codes[i]; })};
    mm += min * min * static_cast<double>(shape.group);
    sx += scale * double{sum_of<shape.group>([&](std::size_t i) { return codes[i] * x[g][i]; })};
    mx += min * double{sum_of<shape.group>([&](std::size_t i) { return x[g][i]; })};
  }
  const double determinant = ss * mm - sm * sm;
  if (determinant > 1e-9 * ss * mm) {
    return {static_cast<float>((sx * mm - mx * sm) / determinant),
            static_cast<float>((sx * sm - mx * ss) / determinant)};
  }
  return {ss > 0.0 ? static_cast<float>(sx / ss) : super.d, super.dmin};
}

/// Returns a super-block of the weights [groups * group].
template <MinShape shape>
SuperMin<shape> fit_super_min(const float* weights) {
  constexpr int kRefinements = 3;
  MinWeights<shape> x;
  std::array<ScaleMin, shape.groups> real;
  ScaleMin largest;
  for (std::size_t g = 0; g < shape.groups; ++g) {
    x[g] = load_group<shape.group>(weights + g * shape.group);
    real[g] = fit_group_min<shape.group>(x[g], shape.code_max);
    largest = {std::max(largest.scale, real[g].scale), std::max(largest.min, real[g].min)};
  }
  SuperMin<shape> best = round_super<shape>(x, real, {largest.scale / shape.scale_max, largest.min / shape.scale_max});
  for (int k = 0; k < kRefinements; ++k) {
    const SuperMin<shape> next = round_super<shape>(x, real, best_units(x, best));
    if (!(next.error < best.error)) break;
    best = next;
  }
  return best;
}

}  // namespace pith::weights
