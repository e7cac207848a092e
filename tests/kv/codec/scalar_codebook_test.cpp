#include "kv/codec/scalar_codebook.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace pith::kv {
namespace {

// Max, "Quantizing for minimum distortion", 1960, table I: the normal distribution.
TEST(ScalarCodebook, NormalDistribution) {
  constexpr double kErrors[] = {1.0, 0.3634, 0.1175, 0.03454, 0.009497};
  const auto normal = [](double x) { return std::exp(-0.5 * x * x); };
  for (std::size_t bits = 0; bits <= 4; ++bits) {
    EXPECT_NEAR(ScalarCodebook(normal, -9, 9, bits).distortion(), kErrors[bits], kErrors[bits] * 1e-3) << bits;
  }
  const ScalarCodebook codebook(normal, -9, 9, 3);
  constexpr float kLevels[] = {0.2451F, 0.7560F, 1.344F, 2.152F};
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_NEAR(codebook.levels()[4 + i], kLevels[i], 2e-3F);
    EXPECT_NEAR(codebook.levels()[3 - i], -kLevels[i], 2e-3F);
  }
}

TEST(ScalarCodebook, UniformDistribution) {
  const ScalarCodebook codebook([](double) { return 7.0; }, 2, 10, 2);
  EXPECT_NEAR(codebook.distortion(), 4.0 / 12.0, 1e-6);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(codebook.levels()[i], 3.0F + 2.0F * static_cast<float>(i), 1e-4F);
}

TEST(ScalarCodebook, NearestLevel) {
  for (std::size_t bits = 0; bits <= 5; ++bits) {
    const ScalarCodebook codebook = sphere_codebook(64, bits);
    ASSERT_EQ(codebook.levels().size(), std::size_t{1} << bits);
    for (float x = -1.2F; x < 1.2F; x += 0.00137F) {
      float least = 10.0F;
      for (const float level : codebook.levels()) least = std::min(least, std::fabs(x - level));
      EXPECT_NEAR(std::fabs(x - codebook.levels()[codebook.nearest(x)]), least, 1e-6F);
    }
  }
}

// Sum over all d coordinates: the more there are, the closer to the normal distribution. With 4 coordinates the density
// is sqrt(1 - x^2), with 5 it is 1 - x^2.
TEST(SphereCodebook, Distortion) {
  const double mean = 4.0 / (3.0 * std::numbers::pi);
  EXPECT_NEAR(sphere_codebook(4, 1).distortion(), 0.25 - mean * mean, 1e-4);
  EXPECT_NEAR(sphere_codebook(5, 1).distortion(), 0.2 - 0.375 * 0.375, 1e-4);
  double before = 0.0;
  for (std::size_t size = 16; size <= 256; size += 16) {
    const double whole = static_cast<double>(size) * sphere_codebook(size, 4).distortion();
    EXPECT_GT(whole, before);
    EXPECT_LT(whole, 0.009497);
    before = whole;
  }
  EXPECT_NEAR(256.0 * sphere_codebook(256, 0).distortion(), 1.0, 1e-4);
}

TEST(AngleCodebook, IsSymmetricAndNarrowsWithTheLevel) {
  double before = 1.0;
  for (std::size_t level = 2; level <= 4; ++level) {
    const ScalarCodebook codebook = angle_codebook(level, 2);
    const auto levels = codebook.levels();
    EXPECT_NEAR(levels[0] + levels[3], std::numbers::pi / 2.0, 1e-4);
    EXPECT_NEAR(levels[1] + levels[2], std::numbers::pi / 2.0, 1e-4);
    EXPECT_LT(codebook.distortion(), before);
    before = codebook.distortion();
  }
}

}  // namespace
}  // namespace pith::kv
