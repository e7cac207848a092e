#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/random_rows.h"
#include "kernels/select.h"

namespace pith::kernels {
namespace {

class Move : public testing::TestWithParam<const KernelTable*> {
 protected:
  const KernelTable& k() const { return *GetParam(); }
};

std::uint32_t bits(float x) { return std::bit_cast<std::uint32_t>(x); }

/// Uses strides 5 elements longer than a row for the input, and 3 longer for the output.
template <typename Element, typename Value>
void check_moves(const MoveKernels& move, const std::vector<Element>& elements, const Value& value) {
  for (const std::size_t rows : {16UL, 48UL}) {
    for (const std::size_t columns : {16UL, 80UL}) {
      const std::size_t stride = columns + 5;
      ASSERT_LE(rows * stride, elements.size());
      std::vector<float> copied(rows * (columns + 3));
      std::vector<float> turned(columns * (rows + 3));
      move.copy(elements.data(), stride, rows, columns, copied.data(), columns + 3);
      move.transpose(elements.data(), stride, rows, columns, turned.data(), rows + 3);
      for (std::size_t r = 0; r < rows; ++r) {
        for (std::size_t c = 0; c < columns; ++c) {
          const std::uint32_t expected = bits(value(elements[r * stride + c]));
          ASSERT_EQ(bits(copied[r * (columns + 3) + c]), expected) << r << ", " << c;
          ASSERT_EQ(bits(turned[c * (rows + 3) + r]), expected) << r << ", " << c;
        }
      }
      for (std::size_t c = 0; c < columns; ++c) ASSERT_EQ(turned[c * (rows + 3) + rows], 0.0F) << "after row " << c;
    }
  }
  std::vector<float> row(16);
  move.copy(elements.data(), 16, 1, 16, row.data(), 16);
  for (std::size_t c = 0; c < 16; ++c) EXPECT_EQ(bits(row[c]), bits(value(elements[c])));
}

TEST_P(Move, KeepsEveryElement) {
  const auto floats = test::random_floats(48 * 85, 1);
  std::vector<std::uint16_t> f16;
  std::vector<std::uint16_t> bf16;
  for (const float x : floats) {
    f16.push_back(f32_to_f16(x * 1e-4F));  // includes subnormals
    bf16.push_back(f32_to_bf16(x));
  }
  check_moves(k().move_f32, floats, [](float x) { return x; });
  check_moves(k().move_f16, f16, f16_to_f32);
  check_moves(k().move_bf16, bf16, bf16_to_f32);
}

TEST_P(Move, WidensEveryHalf) {
  std::vector<std::uint16_t> halves(1U << 16);
  for (std::size_t i = 0; i < halves.size(); ++i) halves[i] = static_cast<std::uint16_t>(i);
  std::vector<float> wide(halves.size());
  k().move_f16.copy(halves.data(), halves.size(), 1, halves.size(), wide.data(), wide.size());
  for (std::size_t i = 0; i < halves.size(); ++i) {
    const float expected = f16_to_f32(halves[i]);
    // Processors make every NaN a quiet one.
    ASSERT_TRUE(std::isnan(expected) ? std::isnan(wide[i]) : bits(wide[i]) == bits(expected)) << i;
  }
}

TEST_P(Move, RoundsToTheNearestHalf) {
  std::vector<float> x = {0.0F,  -0.0F,   65504.0F, 65519.0F, 65520.0F,  -1e30F,     5.9604645e-8F,    2.9802322e-8F,
                          1e-8F, 6.1e-5F, 1.0F,     1.00049F, 1.000488F, 1.0014648F, -6.097555160e-5F, 3e38F};
  x.push_back(std::numeric_limits<float>::infinity());
  x.push_back(-std::numeric_limits<float>::infinity());
  for (const float scale : {1.0F, 1e-5F, 1e4F, 1e30F}) {
    for (const float v : test::random_floats(4096, 2, scale)) x.push_back(v);
  }
  x.resize((x.size() + 15) / 16 * 16);
  std::vector<std::uint16_t> out(x.size());
  k().narrow_f16(x.data(), x.size(), out.data());
  for (std::size_t i = 0; i < x.size(); ++i) {
    EXPECT_EQ(out[i], f32_to_f16(std::min(65504.0F, std::max(-65504.0F, x[i])))) << x[i];
  }
}

TEST_P(Move, NaNStaysNaN) {
  const std::vector<float> x(16, std::numeric_limits<float>::quiet_NaN());
  std::vector<std::uint16_t> out(16);
  k().narrow_f16(x.data(), 16, out.data());
  for (const std::uint16_t half : out) EXPECT_TRUE(std::isnan(f16_to_f32(half)));
}

TEST_P(Move, RoundsColumnsToCodes) {
  const std::size_t stride = 21;
  for (const std::size_t lines : {1UL, 4UL, 20UL}) {
    auto x = test::random_floats(4 * lines * stride, lines, 60.0F);
    for (std::size_t i = 0; i < 20; ++i) x[i] = static_cast<float>(i) - 9.5F;
    x[3 * stride] = std::numeric_limits<float>::quiet_NaN();
    x[3 * stride + 1] = std::numeric_limits<float>::infinity();
    x[3 * stride + 2] = -1e30F;
    std::vector<std::uint8_t> codes(64 * lines);
    k().encode_codes8(x.data(), stride, lines, codes.data());
    for (std::size_t i = 0; i < codes.size(); ++i) {
      const float v = x[(i / 64 * 4 + i % 4) * stride + i % 64 / 4];
      const float code = std::isnan(v) ? 0.0F : std::min(127.0F, std::max(-127.0F, std::nearbyint(v)));
      EXPECT_EQ(codes[i], 128 + static_cast<int>(code)) << v;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Isa, Move, testing::ValuesIn(runnable_kernels().begin(), runnable_kernels().end()),
                         [](const auto& test) { return std::string(test.param->name); });

}  // namespace
}  // namespace pith::kernels
