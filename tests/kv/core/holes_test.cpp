#include "kv/core/holes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace pith::kv {
namespace {

TEST(Holes, AreNoneAtFirst) {
  const Holes holes;
  EXPECT_TRUE(holes.empty());
  EXPECT_EQ(holes.missing(), 0U);
  EXPECT_EQ(holes.left_of(3), kAllTokens);
  EXPECT_EQ(holes.position_of(77), 77U);
}

TEST(Holes, ThatTouchAreOne) {
  Holes holes;
  holes.add(10, 20);
  holes.add(40, 50);
  holes.add(20, 30);
  EXPECT_EQ(holes.list(), (std::vector<Hole>{{10, 30}, {40, 50}}));
  holes.add(30, 40);
  EXPECT_EQ(holes.list(), (std::vector<Hole>{{10, 50}}));
  holes.add(60, 60);
  EXPECT_EQ(holes.list().size(), 1U);
}

/// All answers follow from which positions are missing.
TEST(Holes, AreThePositionsAdded) {
  std::mt19937 engine(1);
  constexpr std::size_t kPositions = 700;
  for (int round = 0; round < 200; ++round) {
    Holes holes;
    std::vector<bool> missing(kPositions);
    for (int i = 0; i < round % 9; ++i) {
      const std::size_t first = engine() % kPositions;
      const std::size_t last = first + engine() % (kPositions - first);
      holes.add(first, last);
      std::fill(missing.begin() + static_cast<long>(first), missing.begin() + static_cast<long>(last), true);
    }
    const auto from = [&](std::size_t at) {
      return std::count(missing.begin() + static_cast<long>(at), missing.end(), true);
    };
    for (std::size_t at = 0; at < kPositions; at += 13) EXPECT_EQ(holes.missing_from(at), from(at));
    EXPECT_EQ(holes.missing(), from(0));
    std::size_t token = 0;
    for (std::size_t at = 0; at < kPositions; ++at) {
      EXPECT_EQ((holes.left_of(at / 64) >> at % 64 & 1U) == 0, missing[at]) << at;
      if (!missing[at]) {
        EXPECT_EQ(holes.position_of(token++), at);
      }
    }
    for (std::size_t i = 1; i < holes.list().size(); ++i) EXPECT_GT(holes.list()[i].first, holes.list()[i - 1].last);
  }
}

}  // namespace
}  // namespace pith::kv
