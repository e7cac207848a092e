#include "base/checked.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

namespace pith {
namespace {

constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();

TEST(Checked, AddAndMultiplyUpToTheLimit) {
  EXPECT_EQ(checked_add<std::uint64_t>(kMax - 1, 1), kMax);
  EXPECT_FALSE(checked_add<std::uint64_t>(kMax, 1));
  EXPECT_EQ(checked_mul<std::uint64_t>(kMax / 2, 2), kMax - 1);
  EXPECT_FALSE(checked_mul<std::uint64_t>(kMax / 2 + 1, 2));
}

TEST(Checked, Align) {
  EXPECT_EQ(checked_align<std::uint64_t>(0, 32), 0U);
  EXPECT_EQ(checked_align<std::uint64_t>(1, 32), 32U);
  EXPECT_EQ(checked_align<std::uint64_t>(64, 32), 64U);
  EXPECT_FALSE(checked_align<std::uint64_t>(kMax - 3, 32));
}

}  // namespace
}  // namespace pith
