#include <gtest/gtest.h>
#include <pith/random.h>

#include <array>
#include <cmath>
#include <cstddef>
#include <vector>

#include "session/exp_weight.h"

namespace pith::session {
namespace {

TEST(Rng, GivesTheAlgorithmsOwnNumbers) {
  // xoshiro256** from the state 1, 2, 3, 4, as its authors' code gives them.
  Rng rng(RngState{{1, 2, 3, 4}});
  for (const std::uint64_t expected :
       {11520ULL, 0ULL, 1509978240ULL, 1215971899390074240ULL, 1216172134540287360ULL, 607988272756665600ULL}) {
    EXPECT_EQ(rng.next(), expected);
  }
}

TEST(Rng, IsSeededBySplitMix) {
  // The first four numbers of SplitMix64 from the seed 1234567.
  const RngState expected{
      {6457827717110365317ULL, 3203168211198807973ULL, 9817491932198370423ULL, 4593380528125082431ULL}};
  EXPECT_EQ(Rng(1234567).state(), expected);
  static_assert(Rng(0).state() != RngState{});
}

TEST(Rng, StateIsAllThereIs) {
  Rng rng(42);
  for (int i = 0; i < 100; ++i) rng.next();
  Rng copy(rng.state());
  for (int i = 0; i < 100; ++i) ASSERT_EQ(rng.next(), copy.next());
}

TEST(Rng, UniformFillsTheUnitInterval) {
  constexpr std::size_t kBins = 64;
  constexpr std::size_t kDraws = 64000;
  Rng rng(7);
  std::array<double, kBins> seen{};
  for (std::size_t i = 0; i < kDraws; ++i) {
    const double x = rng.uniform();
    ASSERT_GE(x, 0.0);
    ASSERT_LT(x, 1.0);
    seen[static_cast<std::size_t>(x * kBins)] += 1.0;
  }
  double chi_square = 0.0;
  const double expected = static_cast<double>(kDraws) / kBins;
  for (const double count : seen) chi_square += (count - expected) * (count - expected) / expected;
  // 63 degrees of freedom: 99.9 % of all seeds stay below.
  EXPECT_LT(chi_square, 103.4);
  EXPECT_GT(chi_square, 32.5);
}

TEST(Rng, UniformIsTheUpperBits) {
  // The largest number there is: next() would be all ones.
  EXPECT_LT(unit_interval(~0ULL), 1.0);
  EXPECT_EQ(unit_interval(0x7FFULL), 0.0);
  EXPECT_EQ(unit_interval(1ULL << 63), 0.5);
  Rng bits(3);
  Rng numbers(3);
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(numbers.uniform(), std::ldexp(static_cast<double>(bits.next() >> 11), -53));
  }
}

TEST(ExpWeight, IsTheExponential) {
  EXPECT_EQ(exp_weight(0.0), 1.0);
  EXPECT_EQ(exp_weight(-701.0), 0.0);
  EXPECT_EQ(exp_weight(-INFINITY), 0.0);
  EXPECT_EQ(exp_weight(-0.0), 1.0);
  Rng rng(11);
  for (int i = 0; i < 100000; ++i) {
    const double x = -rng.uniform() * (i % 2 == 0 ? 1.0 : 699.0);
    ASSERT_NEAR(exp_weight(x) / std::exp(x), 1.0, 1e-12) << x;
  }
}

TEST(ExpWeight, IsTheSameEverywhere) {
  EXPECT_EQ(exp_weight(-0.125), 0x1.c3d6a24ed8222p-1);
  EXPECT_EQ(exp_weight(-1.0), 0x1.78b56362cf12bp-2);
  EXPECT_EQ(exp_weight(-17.3), 0x1.0772c096d61b7p-25);
  EXPECT_EQ(exp_weight(-650.75), 0x1.1f41fdac10675p-939);
}

}  // namespace
}  // namespace pith::session
