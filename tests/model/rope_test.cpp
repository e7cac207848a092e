#include "model/rope.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

namespace pith::model {
namespace {

RopeParams params(RopePairs pairs, std::size_t dims = 8) {
  RopeParams p;
  p.dims = dims;
  p.pairs = pairs;
  p.original_context = 2048;
  return p;
}

/// Returns the angle by which a pair rotates at `position`, measured on a unit vector.
double angle(const RopeParams& p, std::size_t position, std::size_t pair, std::span<const float> factors = {},
             double* length = nullptr) {
  Rope rope(p, factors, 1);
  rope.prepare(0, position, 1);
  std::vector<float> head(p.dims, 0.0F);
  const bool interleaved = p.pairs == RopePairs::kInterleaved;
  const std::size_t a = interleaved ? 2 * pair : pair;
  const std::size_t b = interleaved ? 2 * pair + 1 : pair + p.dims / 2;
  head[a] = 1.0F;
  rope.apply(head.data(), 0);
  for (std::size_t i = 0; i < head.size(); ++i) {
    if (i != a && i != b) {
      EXPECT_EQ(head[i], 0.0F);
    }
  }
  if (length != nullptr) *length = std::hypot(static_cast<double>(head[a]), static_cast<double>(head[b]));
  return std::atan2(static_cast<double>(head[b]), static_cast<double>(head[a]));
}

double wrapped(double x) { return std::remainder(x, 2 * std::numbers::pi); }

TEST(Rope, TurnsEachPairByItsFrequency) {
  for (const RopePairs pairs : {RopePairs::kInterleaved, RopePairs::kHalfSplit}) {
    for (std::size_t pair = 0; pair < 4; ++pair) {
      for (const std::size_t position : {0UL, 1UL, 17UL, 100000UL}) {
        const double frequency = std::pow(10000.0, -2.0 * static_cast<double>(pair) / 8.0);
        EXPECT_NEAR(wrapped(angle(params(pairs), position, pair) - static_cast<double>(position) * frequency), 0.0,
                    1e-6);
      }
    }
  }
}

TEST(Rope, LinearScalingStretchesPositions) {
  RopeParams p = params(RopePairs::kHalfSplit);
  p.scaling = RopeScaling::kLinear;
  p.factor = 4.0;
  EXPECT_NEAR(angle(p, 8, 0), 2.0, 1e-6);
}

TEST(Rope, FrequencyFactorsDivide) {
  const std::vector<float> factors = {1.0F, 2.0F, 8.0F, 32.0F};
  const RopeParams p = params(RopePairs::kInterleaved);
  for (std::size_t pair = 0; pair < 4; ++pair) {
    const double frequency =
        std::pow(10000.0, -2.0 * static_cast<double>(pair) / 8.0) / static_cast<double>(factors[pair]);
    EXPECT_NEAR(angle(p, 3, pair, factors), 3 * frequency, 1e-6);
  }
}

TEST(Rope, YarnKeepsFastPairsStretchesSlowOnesAndLengthens) {
  RopeParams p = params(RopePairs::kHalfSplit, 64);
  p.scaling = RopeScaling::kYarn;
  p.factor = 4.0;
  double length = 0;
  EXPECT_NEAR(angle(p, 1, 0, {}, &length), 1.0, 1e-6) << "the fastest pair is left alone";
  EXPECT_NEAR(length, 1.0 + 0.1 * std::log(4.0), 1e-6);
  const double slowest = std::pow(10000.0, -62.0 / 64.0);
  EXPECT_NEAR(angle(p, 1, 31), slowest / 4.0, 1e-8) << "the slowest is interpolated";
  p.attention_factor = 0.5;
  angle(p, 1, 0, {}, &length);
  EXPECT_NEAR(length, 0.5 * (1.0 + 0.1 * std::log(4.0)), 1e-6);
}

TEST(Rope, RotatesAsTheCacheDoesBitForBit) {
  for (const RopePairs pairs : {RopePairs::kInterleaved, RopePairs::kHalfSplit}) {
    Rope rope(params(pairs), {}, 1);
    rope.prepare(0, 1234, 1);
    std::vector<float> model = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    std::vector<float> cache = model;
    rope.apply(model.data(), 0);
    rope.rotary().turn(cache.data(), 1234.0);
    EXPECT_EQ(model, cache);
    EXPECT_EQ(model[8], 9.0F) << "elements after the rotated ones pass through";
  }
}

TEST(Rope, EveryRowOfABatchHasItsPosition) {
  const RopeParams p = params(RopePairs::kInterleaved);
  Rope batch(p, {}, 5);
  batch.prepare(0, 40, 5);
  for (std::size_t m = 0; m < 5; ++m) {
    std::vector<float> a = {1, 2, 3, 4, 5, 6, 7, 8};
    std::vector<float> b = a;
    Rope one(p, {}, 1);
    one.prepare(0, 40 + m, 1);
    batch.apply(a.data(), m);
    one.apply(b.data(), 0);
    EXPECT_EQ(a, b);
  }
}

}  // namespace
}  // namespace pith::model
