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
using test::group_at;
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
      k().quantize_rows(x.data(), 0, rows, columns, memory.view());
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
          for (const ZeroTerm zero_term : {ZeroTerm::kZero8, ZeroTerm::kZero16, ZeroTerm::kZero128}) {
            EXPECT_EQ(memory.zero_terms[static_cast<std::size_t>(zero_term)][at],
                      -zero_point(zero_term) * (code_sums[0] + code_sums[1]));
          }
          for (const ZeroTerm zero_term : {ZeroTerm::kHalfZero4, ZeroTerm::kHalfZero32}) {
            const auto& zero_terms = memory.zero_terms[static_cast<std::size_t>(zero_term)];
            EXPECT_EQ(zero_terms[first_half], -zero_point(zero_term) * code_sums[0]);
            EXPECT_EQ(zero_terms[first_half + kBlockRows], -zero_point(zero_term) * code_sums[1]);
          }
          EXPECT_EQ(memory.sums[at], memory.half_sums[first_half] + memory.half_sums[first_half + kBlockRows]);
        }
      }
      for (const std::int8_t code : memory.codes) EXPECT_NE(code, -128);
    }
  }
}

TEST_P(Quantize, AnOutlierGroupHasAResidualPlane) {
  auto x = random_floats(2 * 320, 4);
  x[320 + 70] = 300.0F;
  CodeMemory memory(2, 320);
  k().quantize_rows(x.data(), 0, 2, 320, memory.view());
  for (std::size_t g = 0; g < 10; ++g) EXPECT_EQ(memory.slot(1, g).has_value(), g == 2) << "group " << g;
  // The error is at most half a step of the residual plane: 300 / 127 / 254 / 2 = 0.0047.
  for (std::size_t c = 64; c < 96; ++c) EXPECT_NEAR(memory.value(1, c), x[320 + c], 0.0048F);
}

TEST_P(Quantize, AllInstructionSetsGiveTheSameCodes) {
  auto x = random_floats(32 * 64, 9, 2.0F);
  x[100] = 40.0F;
  const auto run = [&](const KernelTable& table) {
    CodeMemory memory(2, 32 * 32);
    table.quantize_rows(x.data(), 0, 2, 32 * 32, memory.view());
    return std::tuple(memory.codes, memory.scales, memory.residual_counts, memory.residual_rows, memory.residual_codes,
                      memory.residual_scales, memory.residual_sums);
  };
  EXPECT_EQ(run(k()), run(portable::table()));
}

TEST_P(Quantize, ZerosAndPoison) {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    std::vector<float> x(96, 0.0F);
    x[40] = bad;
    CodeMemory memory(1, 96);
    k().quantize_rows(x.data(), 0, 1, 96, memory.view());
    EXPECT_EQ(memory.scale(0, 0), 0.0F);
    EXPECT_EQ(memory.codes[0], 0);
    EXPECT_TRUE(std::isnan(memory.scale(0, 1))) << "NaN must reach the logits";
    EXPECT_EQ(memory.scale(0, 2), 0.0F);
  }
}

TEST_P(Quantize, NaNStaysInItsGroupAndRow) {
  const std::size_t rows = 14;
  auto x = random_floats(rows * 96, 6);
  // Blocks may come in any order, as they do with several threads.
  const auto codes_of = [&](CodeMemory& memory) {
    k().quantize_rows(&x[kBlockRows * 96], kBlockRows, rows - kBlockRows, 96, memory.view());
    k().quantize_rows(x.data(), 0, kBlockRows, 96, memory.view());
  };
  CodeMemory before(rows, 96);
  codes_of(before);
  for (const std::size_t row : {3UL, 13UL}) x[row * 96 + 40] = std::numeric_limits<float>::quiet_NaN();
  x[5 * 96 + 40] = -std::numeric_limits<float>::infinity();
  CodeMemory memory(rows, 96);
  codes_of(memory);
  for (std::size_t r = 0; r < rows; ++r) {
    const bool bad = r == 3 || r == 5 || r == 13;
    EXPECT_EQ(std::isnan(memory.scale(r, 1)), bad) << "row " << r;
    for (const std::size_t g : {0UL, 2UL}) {
      EXPECT_EQ(memory.scale(r, g), before.scale(r, g));
      for (std::size_t c = g * kGroup; c < (g + 1) * kGroup; ++c) {
        const std::size_t at = group_at(memory.groups, r, g) * kGroup + c % kGroup;
        ASSERT_EQ(memory.codes[at], before.codes[at]) << "row " << r << ", column " << c;
      }
    }
    for (std::size_t c = 0; bad && c < kGroup; ++c) {
      ASSERT_EQ(memory.codes[group_at(memory.groups, r, 1) * kGroup + c], 0) << "row " << r;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Isa, Quantize, testing::ValuesIn(runnable_kernels().begin(), runnable_kernels().end()),
                         [](const auto& test) { return std::string(test.param->name); });

}  // namespace
}  // namespace pith::kernels
