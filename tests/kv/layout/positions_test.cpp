#include "kv/layout/positions.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "kv/layout/layout.h"

namespace pith::kv {
namespace {

void expect_kept(const std::vector<std::int32_t>& rising) { EXPECT_EQ(Positions(rising).list(), rising); }

TEST(Positions, AreKeptWhateverTheirGaps) {
  expect_kept({});
  expect_kept({0});
  expect_kept({0, 1, 2, 3});
  // The last gap of one byte, the first of two.
  expect_kept({127, 254, 382});
  expect_kept({128, 16'512, 3'000'000});
  expect_kept({5, std::numeric_limits<std::int32_t>::max()});
}

TEST(Positions, OfRandomPagesAreKept) {
  std::mt19937 random(1);
  for (int gap_max = 1; gap_max < 1'000'000; gap_max *= 7) {
    std::vector<std::int32_t> rising;
    std::int32_t position = 0;
    for (std::size_t i = 0; i < kPageTokens; ++i) {
      rising.push_back(position);
      position += 1 + static_cast<std::int32_t>(random() % static_cast<unsigned>(gap_max));
    }
    expect_kept(rising);
  }
}

TEST(Layout, FirstVisibleIsTheWindowsFirst) {
  EXPECT_EQ(first_visible(1000, 0), 0U);
  EXPECT_EQ(first_visible(99, 100), 0U);
  EXPECT_EQ(first_visible(100, 100), 1U);
  EXPECT_EQ(first_visible(1000, 1), 1000U);
}

TEST(Layout, FirstTokensAreLowBits) {
  EXPECT_EQ(first_tokens(0), 0U);
  EXPECT_EQ(first_tokens(3), 7U);
  EXPECT_EQ(first_tokens(64), kAllTokens);
}

}  // namespace
}  // namespace pith::kv
