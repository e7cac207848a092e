#include "options/range.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

// Which values a range allows, and how a message says so.
namespace pith::options {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

TEST(Range, BothEndsAreAllowed) {
  constexpr Range<int> range{.least = 1, .most = 4096};
  for (const int value : {1, 2, 4096}) EXPECT_TRUE(range.allows(value)) << value;
  for (const int value : {0, -1, 4097}) EXPECT_FALSE(range.allows(value)) << value;
  EXPECT_EQ(requirement(range), "allowed are 1 to 4096");
}

TEST(Range, OneEndMayBeMissing) {
  constexpr Range<int> range{.least = -1};
  EXPECT_TRUE(range.allows(std::numeric_limits<int>::max()));
  EXPECT_FALSE(range.allows(-2));
  EXPECT_EQ(requirement(range), "must be at least -1");
  EXPECT_EQ(requirement(Range<std::uint64_t>{.most = 9}), "must be at most 9");
}

TEST(Range, TheLowerEndMayBeOutside) {
  constexpr Range<double> range{.least = 0.0, .most = 1.0, .above_least = true};
  EXPECT_FALSE(range.allows(0.0));
  EXPECT_TRUE(range.allows(std::numeric_limits<double>::denorm_min()));
  EXPECT_TRUE(range.allows(1.0));
  EXPECT_EQ(requirement(range), "must be above 0 and at most 1");
  EXPECT_EQ(requirement(Range<float>{.least = 0.0F, .above_least = true}), "must be above 0 and finite");
}

TEST(Range, NumbersAreFinite) {
  constexpr Range<double> all{};
  for (const double value : {kInfinity, -kInfinity, std::numeric_limits<double>::quiet_NaN()})
    EXPECT_FALSE(all.allows(value)) << value;
  for (const double value : {0.0, -1e308, 1e308}) EXPECT_TRUE(all.allows(value)) << value;
  EXPECT_EQ(requirement(all), "must be finite");
  EXPECT_EQ(requirement(Range<float>{.least = 1.0F}), "must be at least 1 and finite");
}

TEST(Range, OnlyMultiples) {
  constexpr Range<std::size_t> range{.least = 64, .most = 256, .step = 64};
  for (const std::size_t value : {64U, 128U, 256U}) EXPECT_TRUE(range.allows(value)) << value;
  for (const std::size_t value : {0U, 63U, 65U, 320U}) EXPECT_FALSE(range.allows(value)) << value;
  EXPECT_EQ(requirement(range), "must be a multiple of 64, at most 256");
}

TEST(Range, WhatIsNoNumberHasNone) {
  EXPECT_TRUE(Range<std::string>{}.allows("anything"));
  EXPECT_TRUE(Range<bool>{}.allows(true));
}

}  // namespace
}  // namespace pith::options
