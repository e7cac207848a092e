#include "kv/core/rotary.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace pith::kv {
namespace {

Rotary two_pairs(bool interleaved) { return {{0.5, 0.125}, interleaved}; }

TEST(Rotary, TurnsByFrequencyTimesPositions) {
  for (const bool interleaved : {true, false}) {
    std::vector<float> head(6, 0.0F);
    head[0] = 1.0F;
    head[interleaved ? 2 : 1] = 1.0F;
    head[4] = 7.0F;
    head[5] = 8.0F;
    two_pairs(interleaved).turn(head.data(), 3.0);
    EXPECT_EQ(head[0], static_cast<float>(std::cos(1.5)));
    EXPECT_EQ(head[interleaved ? 1 : 2], static_cast<float>(std::sin(1.5)));
    EXPECT_EQ(head[interleaved ? 2 : 1], static_cast<float>(std::cos(0.375)));
    EXPECT_EQ(head[3], static_cast<float>(std::sin(0.375)));
    EXPECT_EQ(head[4], 7.0F) << "not rotated";
    EXPECT_EQ(head[5], 8.0F) << "not rotated";
  }
}

TEST(Rotary, TurnsBackByNegativePositions) {
  for (const bool interleaved : {true, false}) {
    const std::vector<float> before = {1, -2, 3, 0.5};
    std::vector<float> head = before;
    two_pairs(interleaved).turn(head.data(), 1000.0);
    EXPECT_NE(head, before);
    two_pairs(interleaved).turn(head.data(), -1000.0);
    for (std::size_t i = 0; i < head.size(); ++i) EXPECT_NEAR(head[i], before[i], 1e-6) << i;
  }
}

TEST(Rotary, WithoutFrequenciesLeavesAVectorAlone) {
  std::vector<float> head = {1, 2};
  Rotary{}.turn(head.data(), 5.0);
  EXPECT_EQ(head, (std::vector<float>{1, 2}));
}

}  // namespace
}  // namespace pith::kv
