#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <tuple>
#include <vector>

#include "kernels/code_memory.h"
#include "kernels/random_rows.h"
#include "kernels/select.h"

namespace pith::kernels {
namespace {

using test::CodeMemory;
using test::random_floats;

class Quantize : public testing::TestWithParam<const KernelTable*> {
 protected:
  const KernelTable& k() const { return *GetParam(); }
};

TEST_P(Quantize, RowsWithinHalfAStep) {
  for (const std::size_t columns : {32UL, 64UL, 96UL, 576UL}) {
    for (const std::size_t rows : {1UL, 3UL, 12UL, 13UL, 30UL, 97UL}) {
      auto x = random_floats(rows * columns, columns, 3.0F);
      x[x.size() - 5] = 90.0F;
      CodeMemory memory(rows, columns);
      k().quantize_rows(x.data(), rows, columns, memory.view());
      for (std::size_t r = 0; r < rows; ++r) {
        for (std::size_t c = 0; c < columns; ++c) {
          EXPECT_NEAR(memory.value(r, c), x[r * columns + c], 0.501F * memory.scale(r, c / kGroup));
        }
        for (std::size_t g = 0; g < columns / kGroup; ++g) {
          const std::size_t first_half = (r / kBlockRows * memory.groups + g) * 2 * kBlockRows + r % kBlockRows;
          for (std::size_t half = 0; half < 2; ++half) {
            float sum = 0.0F;
            for (std::size_t i = 0; i < 16; ++i) sum += memory.value(r, g * kGroup + 16 * half + i);
            EXPECT_NEAR(memory.half_sums[first_half + half * kBlockRows], sum, 1e-4F);
          }
          std::array<int, 2> code_sums = {0, 0};
          const std::size_t at = group_at(memory.groups, r, g);
          for (std::size_t i = 0; i < kGroup; ++i) code_sums[i / 16] += memory.codes[at * kGroup + i];
          for (const Start start : {Start::kZero8, Start::kZero16, Start::kZero128}) {
            EXPECT_EQ(memory.starts[static_cast<std::size_t>(start)][at],
                      -zero_point(start) * (code_sums[0] + code_sums[1]));
          }
          for (const Start start : {Start::kHalfZero4, Start::kHalfZero32}) {
            const auto& starts = memory.starts[static_cast<std::size_t>(start)];
            EXPECT_EQ(starts[first_half], -zero_point(start) * code_sums[0]);
            EXPECT_EQ(starts[first_half + kBlockRows], -zero_point(start) * code_sums[1]);
          }
          EXPECT_EQ(memory.sums[at], memory.half_sums[first_half] + memory.half_sums[first_half + kBlockRows]);
        }
      }
      for (const std::int8_t code : memory.codes) EXPECT_NE(code, -128);
    }
  }
}

TEST_P(Quantize, AGroupThatStandsOutHasASecondPlane) {
  auto x = random_floats(2 * 320, 4);
  x[320 + 70] = 300.0F;
  CodeMemory memory(2, 320);
  k().quantize_rows(x.data(), 2, 320, memory.view());
  for (std::size_t g = 0; g < 10; ++g) EXPECT_EQ(memory.slot(1, g).has_value(), g == 2) << "group " << g;
  // Half a step of the second plane: 300 / 127 / 254 / 2.
  for (std::size_t c = 64; c < 96; ++c) EXPECT_NEAR(memory.value(1, c), x[320 + c], 0.0048F);
}

TEST_P(Quantize, AllInstructionSetsGiveTheSameCodes) {
  auto x = random_floats(32 * 64, 9, 2.0F);
  x[100] = 40.0F;
  const auto run = [&](const KernelTable& table) {
    CodeMemory memory(2, 32 * 32);
    table.quantize_rows(x.data(), 2, 32 * 32, memory.view());
    return std::tuple(memory.codes, memory.scales, memory.low_counts, memory.low_rows, memory.low_codes,
                      memory.low_scales, memory.low_sums);
  };
  EXPECT_EQ(run(k()), run(portable::table()));
}

TEST_P(Quantize, ZerosAndPoison) {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    std::vector<float> x(96, 0.0F);
    x[40] = bad;
    CodeMemory memory(1, 96);
    k().quantize_rows(x.data(), 1, 96, memory.view());
    EXPECT_EQ(memory.scale(0, 0), 0.0F);
    EXPECT_EQ(memory.codes[0], 0);
    EXPECT_TRUE(std::isnan(memory.scale(0, 1))) << "a number that is none must reach the logits";
    EXPECT_EQ(memory.scale(0, 2), 0.0F);
  }
}

TEST_P(Quantize, SplitRowsKeepFifteenBits) {
  for (const std::size_t columns : {16UL, 64UL, 80UL, 256UL}) {
    const std::size_t rows = 5;
    const std::size_t stride = columns + 16;
    const auto x = random_floats(rows * stride, columns);
    const auto lane = test::random_bytes(columns, 3);
    for (const LaneScales& lane_scales : {LaneScales{}, LaneScales{lane.data(), 0.01F}}) {
      test::SplitMemory split(rows, columns);
      k().split_rows(x.data(), stride, rows, columns, lane_scales, split.high.data(), split.low.data(),
                     split.scales.data(), split.high_sums.data(), split.low_sums.data());
      for (std::size_t r = 0; r < rows; ++r) {
        int high = 0;
        int low = 0;
        for (std::size_t c = 0; c < columns; ++c) {
          const float wanted =
              x[r * stride + c] * (lane_scales.codes == nullptr ? 1.0F : 0.01F * static_cast<float>(lane[c] * lane[c]));
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

TEST_P(Quantize, SplitRowsOfNextToNothingAreNothing) {
  for (const float size : {1e-45F, 1e-39F, 1e-35F}) {
    auto x = random_floats(64, 1);
    for (float& v : x) v *= size;
    test::SplitMemory split(1, 64);
    k().split_rows(x.data(), 64, 1, 64, {}, split.high.data(), split.low.data(), split.scales.data(),
                   split.high_sums.data(), split.low_sums.data());
    for (std::size_t c = 0; c < 64; ++c) EXPECT_NEAR(split.value(0, c), 0.0F, 1e-30F);
    EXPECT_EQ(split.high_sums[0], 0);
    EXPECT_EQ(split.low_sums[0], 0);
  }
}

TEST_P(Quantize, SplitRowsOfNoNumbersAreNoNumbers) {
  for (const float bad : {std::nanf(""), INFINITY, -INFINITY}) {
    auto x = random_floats(64, 1);
    x[7] = bad;
    test::SplitMemory split(1, 64);
    k().split_rows(x.data(), 64, 1, 64, {}, split.high.data(), split.low.data(), split.scales.data(),
                   split.high_sums.data(), split.low_sums.data());
    EXPECT_TRUE(std::isnan(split.scales[0])) << bad;
    EXPECT_EQ(split.high_sums[0], 0);
    EXPECT_EQ(split.low_sums[0], 0);
  }
}

TEST_P(Quantize, RoundedWeightsKeepTheirSums) {
  for (const std::size_t columns : {16UL, 32UL, 48UL, 64UL}) {
    const std::size_t rows = 5;
    const std::size_t stride = columns + 16;
    auto x = random_floats(rows * stride, columns);
    for (float& v : x) v = std::exp(4.0F * std::min(v, 0.0F));
    const auto lane = test::random_bytes(columns, 3);
    std::vector<std::int8_t> codes(rows * columns);
    std::vector<float> scales(rows);
    std::vector<std::int32_t> sums(rows);
    k().round_weights(x.data(), stride, rows, columns, {lane.data(), 0.01F}, codes.data(), scales.data(), sums.data());
    for (std::size_t r = 0; r < rows; ++r) {
      const float step = 256.0F * scales[r];
      float wanted_sum = 0.0F;
      int sum = 0;
      for (std::size_t c = 0; c < columns; ++c) {
        const float wanted = x[r * stride + c] * 0.01F * static_cast<float>(lane[c] * lane[c]);
        EXPECT_NEAR(step * static_cast<float>(codes[r * columns + c]), wanted, 1.01F * step);
        wanted_sum += wanted;
        sum += codes[r * columns + c];
      }
      EXPECT_EQ(sums[r], sum);
      EXPECT_NEAR(step * static_cast<float>(sum), wanted_sum, 0.7F * step) << "small ones do not vanish";
    }
  }
}

TEST_P(Quantize, AllInstructionSetsRoundWeightsAlike) {
  auto x = random_floats(7 * 64, 11);
  for (float& v : x) v = std::exp(std::min(v, 0.0F));
  const auto lane = test::random_bytes(64, 3);
  const auto run = [&](const KernelTable& table) {
    std::vector<std::int8_t> codes(x.size());
    std::vector<float> scales(7);
    std::vector<std::int32_t> sums(7);
    table.round_weights(x.data(), 64, 7, 64, {lane.data(), 0.5F}, codes.data(), scales.data(), sums.data());
    return std::tuple(codes, scales, sums);
  };
  EXPECT_EQ(run(k()), run(portable::table()));
}

TEST_P(Quantize, WeightsOfNothingAndOfNoNumbers) {
  const std::vector<std::uint8_t> lane(64, 9);
  std::vector<std::int8_t> codes(64);
  float scale = 1.0F;
  std::int32_t sum = 1;
  std::vector<float> x(64, 0.0F);
  k().round_weights(x.data(), 64, 1, 64, {lane.data(), 0.5F}, codes.data(), &scale, &sum);
  EXPECT_EQ(scale, 0.0F);
  EXPECT_EQ(sum, 0);
  // Scales of a page that holds no numbers are NaN.
  x[3] = 1.0F;
  k().round_weights(x.data(), 64, 1, 64, {lane.data(), std::nanf("")}, codes.data(), &scale, &sum);
  EXPECT_TRUE(std::isnan(scale));
}

INSTANTIATE_TEST_SUITE_P(Isa, Quantize, testing::ValuesIn(runnable_kernels().begin(), runnable_kernels().end()),
                         [](const auto& test) { return std::string(test.param->name); });

}  // namespace
}  // namespace pith::kernels
