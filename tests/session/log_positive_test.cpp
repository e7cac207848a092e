#include "session/log_positive.h"

#include <gtest/gtest.h>
#include <pith/random.h>

#include <cmath>

namespace pith::session {
namespace {

TEST(LogPositive, IsTheLogarithm) {
  EXPECT_EQ(log_positive(1.0), 0.0);
  Rng rng(5);
  for (int i = 0; i < 200000; ++i) {
    // Between 2^-1000 and 2^1000, and near 1.
    const double x = i % 2 == 0 ? std::ldexp(0.5 + rng.uniform(), static_cast<int>(rng.next() % 2000) - 1000)
                                : 1.0 + (rng.uniform() - 0.5) * std::ldexp(1.0, -static_cast<int>(rng.next() % 40));
    const long double exact = std::log(static_cast<long double>(x));
    const long double error = std::abs(static_cast<long double>(log_positive(x)) - exact);
    ASSERT_LE(error, 1e-15L * std::max(1.0L, std::abs(exact))) << x;
    ASSERT_LE(error, 1e-14L * std::abs(exact)) << x;
  }
}

TEST(LogPositive, IsTheSameEverywhere) {
  EXPECT_EQ(log_positive(2.0), 0x1.62e42fefa39efp-1);
  EXPECT_EQ(log_positive(10.0), 0x1.26bb1bbb55516p+1);
  EXPECT_EQ(log_positive(0.75), -0x1.269621134db92p-2);
  EXPECT_EQ(log_positive(151936.0), 0x1.7dcc82aefe0d0p+3);
}

}  // namespace
}  // namespace pith::session
