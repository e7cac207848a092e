#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "support/random_weights.h"
#include "weights/fit_min.h"
#include "weights/fit_scale.h"
#include "weights/iq4_levels.h"

// The searches for scales against brute force: no grid of scales has a much smaller error.
namespace pith::weights {
namespace {

using Weights = std::vector<float>;

/// Groups of weights of several kinds.
std::vector<Weights> groups(std::size_t count) {
  test::Random random(3);
  std::vector<Weights> all;
  for (int k = 0; k < 30; ++k) {
    Weights weights = test::random_normal(random, count, 0.1F);
    if (k % 3 == 1) weights[static_cast<std::size_t>(k) % count] *= 8.0F;
    for (float& weight : weights) {
      if (k % 5 == 2) weight = std::fabs(weight);
      if (k % 5 == 3) weight = -0.2F - std::fabs(weight);
    }
    all.push_back(weights);
  }
  return all;
}

double error_with_min(const Weights& x, double scale, double min, double code_max) {
  double error = 0.0;
  for (const float weight : x) {
    const double code = scale == 0.0 ? 0.0 : std::clamp(std::round((double{weight} + min) / scale), 0.0, code_max);
    error += std::pow(scale * code - min - double{weight}, 2);
  }
  return error;
}

template <std::size_t count>
void expect_best_min(float code_max, double slack) {
  double ours = 0.0;
  double best = 0.0;
  for (const Weights& x : groups(count)) {
    const ScaleMin fit = fit_group_min<count>(load_group<count>(x.data()), code_max);
    EXPECT_GE(fit.scale, 0.0F);
    EXPECT_GE(fit.min, 0.0F);
    const auto [low, high] = std::minmax_element(x.begin(), x.end());
    const double range = double{*high} - std::min(double{*low}, 0.0);
    double least = error_with_min(x, 0.0, std::max(-double{*low}, 0.0), double{code_max});
    constexpr int kSteps = 150;
    for (int s = 1; s <= kSteps; ++s) {
      for (int m = 0; m <= kSteps; ++m) {
        const double scale = range / double{code_max} * 1.2 * s / kSteps;
        const double min = std::max(-double{*low}, 0.0) * 1.2 * m / kSteps;
        least = std::min(least, error_with_min(x, scale, min, double{code_max}));
      }
    }
    const double own = error_with_min(x, double{fit.scale}, double{fit.min}, double{code_max});
    EXPECT_LE(own, least * (1.0 + 4.0 * slack));
    ours += own;
    best += least;
  }
  EXPECT_LE(ours, best * (1.0 + slack));
}

TEST(FitMin, NoGridIsMuchBetter) {
  expect_best_min<16>(3.0F, 0.1);
  expect_best_min<32>(15.0F, 0.1);
}

TEST(FitMin, GroupsOfOneWeightAreExact) {
  Weights x(32, -0.75F);
  ScaleMin fit = fit_group_min<32>(load_group<32>(x.data()), 15.0F);
  EXPECT_EQ(error_with_min(x, double{fit.scale}, double{fit.min}, 15.0), 0.0);
  x.assign(32, 0.0F);
  fit = fit_group_min<32>(load_group<32>(x.data()), 15.0F);
  EXPECT_EQ(fit.scale, 0.0F);
  EXPECT_EQ(fit.min, 0.0F);
}

TEST(FitMin, CodesAreFound) {
  Weights x(32);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = 0.25F * static_cast<float>(i % 16) - 0.5F;
  const ScaleMin fit = fit_group_min<32>(load_group<32>(x.data()), 15.0F);
  EXPECT_NEAR(fit.scale, 0.25F, 1e-6F);
  EXPECT_NEAR(fit.min, 0.5F, 1e-6F);
}

struct Levels8 : EvenLevels<-4, 3> {
  static constexpr float kStep = 0.05F;
};

double error_with_levels(const Weights& x, double scale, const std::vector<double>& levels) {
  double error = 0.0;
  for (const float weight : x) {
    double least = double{weight} * double{weight};
    for (std::size_t k = 0; k < levels.size(); ++k) {
      const double own = std::pow(scale * levels[k] - double{weight}, 2);
      least = k == 0 ? own : std::min(least, own);
    }
    error += least;
  }
  return error;
}

TEST(FitScale, NoGridIsMuchBetter) {
  const std::vector<double> levels = {-4, -3, -2, -1, 0, 1, 2, 3};
  double ours = 0.0;
  double best = 0.0;
  for (const Weights& x : groups(16)) {
    const double own = error_with_levels(x, double{fit_group_scale<Levels8, 16>(load_group<16>(x.data()))}, levels);
    float largest = 0.0F;
    for (const float weight : x) largest = std::max(largest, std::fabs(weight));
    double least = std::numeric_limits<double>::infinity();
    for (int k = -4000; k <= 4000; ++k) {
      least = std::min(least, error_with_levels(x, double{largest} / 3.0 * 1.2 * k / 4000, levels));
    }
    EXPECT_LE(own, least * 1.3);
    ours += own;
    best += least;
  }
  EXPECT_LE(ours, best * 1.05);
}

TEST(FitScale, ZeroHasNoScale) {
  const Weights x(16, 0.0F);
  const float scale = fit_group_scale<Levels8, 16>(load_group<16>(x.data()));
  EXPECT_EQ(scale, 0.0F);
}

TEST(FitScale, EvenLevelsAreTheNearest) {
  for (float x = -6.0F; x < 6.0F; x += 0.03125F) {
    const Lanes nearest = Levels8::nearest(Lanes{} + x);
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      EXPECT_LE(std::fabs(nearest[lane] - std::clamp(x, -4.0F, 3.0F)), 0.5F) << x;
    }
  }
}

TEST(FitScale, ScalesAreNoZeroUnlessTheyAre) {
  EXPECT_EQ(scale_f16(0.0F), 0.0F);
  EXPECT_EQ(scale_f16(1e-30F), 0x1p-24F);
  EXPECT_EQ(scale_f16(-1e-30F), -0x1p-24F);
  EXPECT_EQ(scale_f16(0.1F), f16_to_f32(f32_to_f16(0.1F)));
}

}  // namespace
}  // namespace pith::weights
