#include "plot/axis.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <limits>

namespace pith::plot {
namespace {

using Ticks = std::vector<double>;

TEST(Ticks, LinearOnesAreRoundAndSpan) {
  EXPECT_EQ(linear_ticks(0, 1), (Ticks{0, 0.2, 0.4, 0.6, 0.8, 1}));
  EXPECT_EQ(linear_ticks(0, 0.3), (Ticks{0, 0.1, 0.2, 0.3}));
  EXPECT_EQ(linear_ticks(-3, 7), (Ticks{-4, -2, 0, 2, 4, 6, 8}));
  EXPECT_EQ(linear_ticks(12, 97), (Ticks{0, 20, 40, 60, 80, 100}));
}

TEST(Ticks, LogarithmicOnes) {
  EXPECT_EQ(logarithmic_ticks(0.0002, 0.8), (Ticks{0.0001, 0.001, 0.01, 0.1, 1}));
  EXPECT_EQ(logarithmic_ticks(1, 10), (Ticks{1, 2, 5, 10}));
  EXPECT_EQ(logarithmic_ticks(3, 4), (Ticks{2, 5}));
  EXPECT_LE(logarithmic_ticks(1e-200, 1e200).size(), 13U);
}

RC_GTEST_PROP(Ticks, SpanAnyRange, (double a, double b, bool logarithmic)) {
  const Scale scale = logarithmic ? Scale::kLogarithmic : Scale::kLinear;
  const Axis axis(scale, Ticks{a, b});
  const Ticks& ticks = axis.ticks();
  RC_ASSERT(ticks.size() >= 2U);
  RC_ASSERT(ticks.size() <= 16U);
  for (std::size_t i = 1; i < ticks.size(); ++i) RC_ASSERT(ticks[i] > ticks[i - 1]);
  for (const double value : {a, b}) {
    if (!has_place(value, scale)) continue;
    const double share = axis.pixel(value);
    RC_ASSERT(share > -1e-6);
    RC_ASSERT(share < 1 + 1e-6);
  }
}

TEST(Axis, HasARangeWhateverTheValues) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const Ticks& values : {Ticks{}, Ticks{nan}, Ticks{INFINITY, -INFINITY}, Ticks{0}, Ticks{5}, Ticks{-1e-320},
                              Ticks{1e308, -1e308}, Ticks{1e16, 1e16 + 2}}) {
    for (const Scale scale : {Scale::kLinear, Scale::kLogarithmic}) {
      const Axis axis(scale, values);
      ASSERT_GE(axis.ticks().size(), 2U);
      EXPECT_LE(axis.ticks().size(), 16U);
      EXPECT_LT(axis.ticks().front(), axis.ticks().back());
    }
  }
}

TEST(Axis, PlacesValues) {
  Axis linear(Scale::kLinear, Ticks{0, 10});
  linear.place(100, 0);
  EXPECT_DOUBLE_EQ(linear.pixel(0), 100);
  EXPECT_DOUBLE_EQ(linear.pixel(2.5), 75);
  Axis logarithmic(Scale::kLogarithmic, Ticks{0.001, 1});
  logarithmic.place(0, 300);
  EXPECT_NEAR(logarithmic.pixel(0.01), 100, 1e-9);
  EXPECT_EQ(Axis(Scale::kLinear, Ticks{3, 5}, true).ticks().front(), 0);
}

TEST(Numbers, AreShort) {
  EXPECT_EQ(short_number(0.25), "0.25");
  EXPECT_EQ(short_number(-0.0), "0");
  EXPECT_EQ(short_number(16384), "16384");
  EXPECT_EQ(short_number(0.30000000000000004), "0.3");
  EXPECT_EQ(short_number(3e-7), "3e-07");
  EXPECT_EQ(short_number(NAN), "-");
  EXPECT_EQ(fixed_number(-0.001, 2), "0.00");
  EXPECT_EQ(fixed_number(-0.5, 0), "0");
  EXPECT_EQ(fixed_number(-1.256, 2), "-1.26");
  EXPECT_EQ(fixed_number(-INFINITY, 2), "-inf");
  EXPECT_EQ(fixed_number(NAN, 2), "-");
}

}  // namespace
}  // namespace pith::plot
