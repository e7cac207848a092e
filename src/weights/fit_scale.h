#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>

#include "weights/fit_lanes.h"

// Least squares for types without minimums: a weight of group g is about d * scales[g] * level, where d may be negative
// and the levels are those of the type.
namespace pith::weights {

/// Levels that are integers from `least` to `most`.
template <int least, int most>
struct EvenLevels {
  static constexpr float kLeast = least;
  static constexpr float kMost = most;

  static Lanes nearest(Lanes positions) noexcept {
    // No longer negative, so that cutting off the fraction rounds down.
    return truncated(at_most(at_least(positions, kLeast), kMost) - kLeast + 0.5F) + kLeast;
  }
};

template <typename Levels, std::size_t count>
Group<count> levels_of(const Group<count>& x, float scale) {
  Group<count> levels;
  const float per_scale = finite_inverse(scale);
  for (std::size_t i = 0; i < x.size(); ++i) levels[i] = Levels::nearest(x[i] * per_scale);
  return levels;
}

/// Sums of products of weights and levels.
struct Products {
  float lx = 0.0F;
  float ll = 0.0F;

  /// The scale that suits the levels best, and by how much it lowers the sum of squares.
  float scale() const noexcept { return ll > 0.0F ? lx / ll : 0.0F; }
  float gain() const noexcept { return lx * scale(); }
};

template <std::size_t count>
Products products_of(const Group<count>& x, const Group<count>& levels) {
  return {sum_of<count>([&](std::size_t i) { return levels[i] * x[i]; }),
          sum_of<count>([&](std::size_t i) { return levels[i] * levels[i]; })};
}

template <std::size_t count>
float squared_error(const Group<count>& x, float scale, const Group<count>& levels) {
  return sum_of<count>([&](std::size_t i) {
    const Lanes error = scale * levels[i] - x[i];
    return error * error;
  });
}

inline float larger_magnitude(float a, float b) noexcept { return std::fabs(b) > std::fabs(a) ? b : a; }

/// Returns about the best scale of a group: the best of several beginnings, in which the largest weight lies around the
/// least or the greatest level, improved in turns of levels and scale.
template <typename Levels, std::size_t count>
float fit_group_scale(const Group<count>& x) {
  constexpr int kBeginnings = 12;
  constexpr int kTurns = 4;
  float largest = 0.0F;
  for (std::size_t i = 0; i < count; ++i) largest = larger_magnitude(largest, element(x, i));
  float best = 0.0F;
  float most = 0.0F;
  const auto improve = [&](float from) {
    const Products now = products_of<count>(x, levels_of<Levels, count>(x, from));
    if (!(now.gain() > most)) return false;
    most = now.gain();
    best = now.scale();
    return true;
  };
  for (const float end : {Levels::kLeast, Levels::kMost}) {
    for (int k = 0; k < kBeginnings; ++k) improve(largest / (end * (1.0F + Levels::kStep * static_cast<float>(k - 8))));
  }
  for (int turn = 0; turn < kTurns && improve(best); ++turn) continue;
  return best;
}

/// What a type's super-blocks are made of, and the range of their integer scales.
struct ScaleShape {
  std::size_t groups;
  std::size_t group;
  float scale_least;
  float scale_most;
};

/// The weights of a super-block.
template <ScaleShape shape>
using ScaleWeights = std::array<Group<shape.group>, shape.groups>;

/// A super-block: d as f16 holds it, and integers.
template <ScaleShape shape>
struct SuperScale {
  float d = 0.0F;
  std::array<float, shape.groups> scales{};
  std::array<Group<shape.group>, shape.groups> levels{};
  float error = 0.0F;
};

/// Sets a group's scale and levels, given d: tries the integers around the real scale. Returns the squared error.
template <typename Levels, ScaleShape shape>
float round_group(const Group<shape.group>& x, float real, std::size_t g, SuperScale<shape>& super) {
  const float near = std::floor(real * finite_inverse(super.d) + 0.5F);
  float least = std::numeric_limits<float>::infinity();
  for (int k = -1; k <= 1; ++k) {
    const float s = std::min(std::max(shape.scale_least, near + static_cast<float>(k)), shape.scale_most);
    const auto levels = levels_of<Levels, shape.group>(x, super.d * s);
    const float error = squared_error<shape.group>(x, super.d * s, levels);
    if (!(error < least)) continue;
    least = error;
    super.scales[g] = s;
    super.levels[g] = levels;
  }
  return least;
}

/// Rounds everything, given d as a real number.
template <typename Levels, ScaleShape shape>
SuperScale<shape> round_super(const ScaleWeights<shape>& x, const std::array<float, shape.groups>& real, float d) {
  SuperScale<shape> super;
  super.d = scale_f16(d);
  for (std::size_t g = 0; g < shape.groups; ++g) super.error += round_group<Levels, shape>(x[g], real[g], g, super);
  return super;
}

/// Returns the d that suits given integers best.
template <ScaleShape shape>
float best_unit(const ScaleWeights<shape>& x, const SuperScale<shape>& super) {
  double lx = 0.0;
  double ll = 0.0;
  for (std::size_t g = 0; g < shape.groups; ++g) {
    const Products own = products_of<shape.group>(x[g], super.levels[g]);
    const double scale = super.scales[g];
    lx += scale * double{own.lx};
    ll += scale * scale * double{own.ll};
  }
  return ll > 0.0 ? static_cast<float>(lx / ll) : super.d;
}

/// Returns a super-block of the weights [groups * group].
template <typename Levels, ScaleShape shape>
SuperScale<shape> fit_super_scale(const float* weights) {
  constexpr int kRefinements = 3;
  ScaleWeights<shape> x;
  std::array<float, shape.groups> real;
  float largest = 0.0F;
  for (std::size_t g = 0; g < shape.groups; ++g) {
    x[g] = load_group<shape.group>(weights + g * shape.group);
    real[g] = fit_group_scale<Levels, shape.group>(x[g]);
    largest = larger_magnitude(largest, real[g]);
  }
  SuperScale<shape> best = round_super<Levels, shape>(x, real, largest / shape.scale_least);
  for (int k = 0; k < kRefinements; ++k) {
    const SuperScale<shape> next = round_super<Levels, shape>(x, real, best_unit(x, best));
    if (!(next.error < best.error)) break;
    best = next;
  }
  return best;
}

}  // namespace pith::weights
