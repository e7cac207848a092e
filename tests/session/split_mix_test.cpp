#include <gtest/gtest.h>
#include <pith/random.h>

#include <array>

namespace pith {
namespace {

// The first numbers of the reference implementation (Vigna, splitmix64.c) for the seed 1234567.
TEST(SplitMix, IsTheReferenceStream) {
  constexpr std::array<std::uint64_t, 5> kReference = {6457827717110365317U, 3203168211198807973U, 9817491932198370423U,
                                                       4593380528125082431U, 16408922859458223821U};
  std::uint64_t state = 1234567;
  for (const std::uint64_t expected : kReference) EXPECT_EQ(split_mix(state), expected);
}

TEST(SplitMix, FinalizerIsTheStreamsMixing) {
  std::uint64_t state = 0;
  EXPECT_EQ(split_mix(state), 0xE220A8397B1DCDAFU);
  EXPECT_EQ(mix_bits(0x9E3779B97F4A7C15U), 0xE220A8397B1DCDAFU);
  EXPECT_EQ(mix_bits(0), 0U);
}

}  // namespace
}  // namespace pith
