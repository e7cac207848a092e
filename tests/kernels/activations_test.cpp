#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "kernels/random_rows.h"
#include "kernels/table.h"

namespace pith::kernels {
namespace {

using test::random_floats;

class Quantize : public testing::TestWithParam<const KernelTable*> {
 protected:
  const KernelTable& k() const { return *GetParam(); }
};

TEST_P(Quantize, RowsWithinHalfAStep) {
  for (const std::size_t columns : {32UL, 64UL, 96UL, 576UL}) {
    const std::size_t rows = 3;
    const auto x = random_floats(rows * columns, columns, 3.0F);
    std::vector<std::int8_t> codes(x.size());
    std::vector<float> scales(x.size() / 32), sums(x.size() / 32), half_sums(x.size() / 16);
    k().quantize_rows(x.data(), rows, columns, codes.data(), scales.data(), sums.data(), half_sums.data());
    for (std::size_t i = 0; i < x.size(); ++i) {
      EXPECT_NEAR(scales[i / 32] * static_cast<float>(codes[i]), x[i], 0.501F * scales[i / 32]);
      EXPECT_NE(codes[i], -128);
    }
    for (std::size_t g = 0; g < sums.size(); ++g) {
      int first = 0;
      int second = 0;
      for (std::size_t i = 0; i < 16; ++i) {
        first += codes[32 * g + i];
        second += codes[32 * g + 16 + i];
      }
      EXPECT_EQ(half_sums[2 * g], scales[g] * static_cast<float>(first));
      EXPECT_EQ(half_sums[2 * g + 1], scales[g] * static_cast<float>(second));
      EXPECT_EQ(sums[g], scales[g] * static_cast<float>(first + second));
    }
  }
}

TEST_P(Quantize, AllInstructionSetsGiveTheSameCodes) {
  const auto x = random_floats(32 * 64, 9, 2.0F);
  const auto run = [&](const KernelTable& table) {
    std::vector<std::int8_t> codes(x.size());
    std::vector<float> scales(x.size() / 32), sums(x.size() / 32), half_sums(x.size() / 16);
    table.quantize_rows(x.data(), 2, 32 * 32, codes.data(), scales.data(), sums.data(), half_sums.data());
    return std::pair(codes, scales);
  };
  EXPECT_EQ(run(k()), run(portable::table()));
}

TEST_P(Quantize, ZerosAndPoison) {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    std::vector<float> x(96, 0.0F);
    x[40] = bad;
    std::vector<std::int8_t> codes(96);
    std::vector<float> scales(3), sums(3), half_sums(6);
    k().quantize_rows(x.data(), 1, 96, codes.data(), scales.data(), sums.data(), half_sums.data());
    EXPECT_EQ(scales[0], 0.0F);
    EXPECT_EQ(codes[0], 0);
    EXPECT_TRUE(std::isnan(scales[1])) << "a number that is none must reach the logits";
    EXPECT_EQ(scales[2], 0.0F);
  }
}

TEST_P(Quantize, SplitRowsKeepFifteenBits) {
  for (const std::size_t columns : {16UL, 64UL, 80UL, 256UL}) {
    const std::size_t rows = 5;
    const std::size_t stride = columns + 16;
    const auto x = random_floats(rows * stride, columns);
    const auto lane = test::to_halves(random_floats(columns, 3));
    for (const std::uint16_t* lane_scales : {static_cast<const std::uint16_t*>(nullptr), lane.data()}) {
      test::SplitMemory split(rows, columns);
      k().split_rows(x.data(), stride, rows, columns, lane_scales, split.high.data(), split.low.data(), split.scales.data(),
                     split.high_sums.data(), split.low_sums.data());
      for (std::size_t r = 0; r < rows; ++r) {
        int high = 0;
        int low = 0;
        for (std::size_t c = 0; c < columns; ++c) {
          const float wanted = x[r * stride + c] * (lane_scales == nullptr ? 1.0F : f16_to_f32(lane[c]));
          EXPECT_NEAR(split.value(r, c), wanted, 0.51F * split.scales[r]);
          high += split.high[r * columns + c];
          low += split.low[r * columns + c];
          EXPECT_NE(split.high[r * columns + c], -128);
        }
        EXPECT_EQ(split.high_sums[r], high);
        EXPECT_EQ(split.low_sums[r], low);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Isa, Quantize, testing::ValuesIn(runnable_kernels().begin(), runnable_kernels().end()),
                         [](const auto& test) { return std::string(test.param->name); });

}  // namespace
}  // namespace pith::kernels
