#include <gtest/gtest.h>

#include "kernels/random_rows.h"
#include "kernels/select.h"

namespace pith::kernels {
namespace {

class Limits : public testing::TestWithParam<const KernelTable*> {};

TEST_P(Limits, DotsAreAllDone) {
  for (const std::size_t steps : {4UL, 12UL, 64UL}) {
    auto w = test::random_bytes(64 * steps, steps);
    for (std::uint8_t& byte : w) byte &= 127U;
    const auto bytes = test::random_bytes(4 * kLimitRows, 7);
    const std::vector<std::int8_t> x(bytes.begin(), bytes.end());
    std::vector<float> out(kLimitRows * kLanes);
    GetParam()->limit_dots(w.data(), steps, x.data(), out.data());
    for (std::size_t row = 0; row < kLimitRows; ++row) {
      for (std::size_t lane = 0; lane < kLanes; ++lane) {
        std::int32_t sum = 0;
        for (std::size_t i = 0; i < 4 * steps; ++i) sum += w[i / 4 * 64 + 4 * lane + i % 4] * x[4 * row + i % 4];
        EXPECT_EQ(out[row * kLanes + lane], static_cast<float>(sum)) << "row " << row << " lane " << lane;
      }
    }
  }
}

TEST_P(Limits, EveryFloatIsRead) {
  std::vector<float> x(128 * 5);
  for (std::size_t i = 0; i < x.size(); ++i) {
    x[i] = 3.0F;
    EXPECT_EQ(GetParam()->limit_read(x.data(), x.size()), 3.0F);
    x[i] = 0.0F;
  }
}

INSTANTIATE_TEST_SUITE_P(Isa, Limits, testing::ValuesIn(runnable_kernels().begin(), runnable_kernels().end()),
                         [](const auto& test) { return std::string(test.param->name); });

}  // namespace
}  // namespace pith::kernels
