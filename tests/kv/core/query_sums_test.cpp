#include "kv/core/query_sums.h"

#include <gtest/gtest.h>

namespace pith::kv {
namespace {

TEST(QuerySums, AreEmptyUntilTheyAreGivenASize) {
  const QuerySums none;
  EXPECT_TRUE(none.empty());
  EXPECT_EQ(none.bytes(), 0U);
  EXPECT_EQ(none.moments({}).statistics.count, 0U);
  EXPECT_FALSE(QuerySums(2, 4).empty());
  EXPECT_EQ(QuerySums(2, 4).bytes(), (2 * 4 + 2 * 4 * 4) * sizeof(float));
}

TEST(QuerySums, MomentsAreMeanAndCovariance) {
  QuerySums sums(1, 2);
  const float first[] = {1.0F, 2.0F};
  const float second[] = {3.0F, 6.0F};
  sums.add(first, 0, {});
  sums.add(second, 1, {});
  const QueryMoments moments = sums.moments({});
  EXPECT_EQ(moments.statistics.count, 2U);
  EXPECT_EQ(moments.mean, (std::vector<float>{2.0F, 4.0F}));
  EXPECT_EQ(moments.covariance, (std::vector<float>{1.0F, 2.0F, 2.0F, 4.0F}));
}

TEST(QuerySums, QueriesAreRotatedBackToPositionZero) {
  const Rotary rotary = {{0.5}, false};
  QuerySums sums(1, 2);
  for (const std::size_t position : {0UL, 3UL, 100UL}) {
    float query[] = {1.0F, 2.0F};
    rotary.turn(query, static_cast<double>(position));
    sums.add(query, position, rotary);
  }
  const QueryMoments moments = sums.moments(rotary);
  EXPECT_NEAR(moments.mean[0], 1.0F, 1e-5);
  EXPECT_NEAR(moments.mean[1], 2.0F, 1e-5);
  for (const float x : moments.covariance) EXPECT_NEAR(x, 0.0F, 1e-4);
}

}  // namespace
}  // namespace pith::kv
