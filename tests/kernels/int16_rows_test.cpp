#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "kernels/random_rows.h"
#include "kernels/select.h"

namespace pith::kernels {
namespace {

using test::random_floats;
using test::SplitMemory;

class Split : public testing::TestWithParam<const KernelTable*> {
 protected:
  const KernelTable& k() const { return *GetParam(); }
};

TEST_P(Split, RowsKeepFifteenBits) {
  for (const std::size_t columns : {16UL, 64UL, 80UL, 256UL}) {
    for (const std::size_t rows : {5UL, 16UL, 19UL}) {
      const std::size_t stride = columns + 16;
      const auto x = random_floats(rows * stride, columns);
      SplitMemory split(rows, columns);
      k().quantize_int16_rows(x.data(), stride, rows, columns, split.planes());
      for (std::size_t r = 0; r < rows; ++r) {
        int high = 0;
        int low = 0;
        for (std::size_t c = 0; c < columns; ++c) {
          EXPECT_NEAR(split.value(r, c), x[r * stride + c], 0.51F * split.scales[r]);
          high += split.high[split.at(r, c)];
          low += split.low[split.at(r, c)];
          EXPECT_NE(split.high[split.at(r, c)], -128);
        }
        EXPECT_EQ(split.high_zero_terms[r], -128 * high);
        EXPECT_EQ(split.low_zero_terms[r], -128 * low);
      }
    }
  }
}

TEST_P(Split, TinyRowsAreZero) {
  for (const float size : {1e-45F, 1e-39F, 1e-35F}) {
    auto x = random_floats(64, 1);
    for (float& v : x) v *= size;
    SplitMemory split(1, 64);
    k().quantize_int16_rows(x.data(), 64, 1, 64, split.planes());
    for (std::size_t c = 0; c < 64; ++c) EXPECT_NEAR(split.value(0, c), 0.0F, 1e-30F);
    EXPECT_EQ(split.high_zero_terms[0], 0);
    EXPECT_EQ(split.low_zero_terms[0], 0);
  }
}

TEST_P(Split, RowsWithNaNHaveANaNScale) {
  for (const float bad : {std::nanf(""), INFINITY, -INFINITY}) {
    auto x = random_floats(64, 1);
    x[7] = bad;
    SplitMemory split(1, 64);
    k().quantize_int16_rows(x.data(), 64, 1, 64, split.planes());
    EXPECT_TRUE(std::isnan(split.scales[0])) << bad;
    EXPECT_EQ(split.high_zero_terms[0], 0);
    EXPECT_EQ(split.low_zero_terms[0], 0);
  }
}

INSTANTIATE_TEST_SUITE_P(Isa, Split, testing::ValuesIn(runnable_kernels().begin(), runnable_kernels().end()),
                         [](const auto& test) { return std::string(test.param->name); });

}  // namespace
}  // namespace pith::kernels
