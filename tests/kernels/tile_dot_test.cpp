#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "kernels/random_rows.h"
#include "kernels/select.h"

namespace pith::kernels {
namespace {

using test::random_bytes;
using test::random_floats;
using test::SplitMemory;

/// Levels for tables of 32, 16 or 8 entries.
constexpr std::array<std::uint8_t, 32> kLevels = {0,   3,   9,   40,  77,  100, 111, 127, 128, 130, 150,
                                                  170, 200, 222, 250, 255, 1,   4,   19,  44,  71,  90,
                                                  101, 117, 120, 133, 155, 180, 208, 227, 240, 254};

/// Reads the codes of a tile by the definition of its layout (docs/formats/kv_page.md).
class TileReader {
 public:
  TileReader(const std::uint8_t* tile, int bits) : tile_(tile), bits_(bits) {}

  /// Returns the level of byte i of a line, minus 128.
  double level(std::size_t line, std::size_t i) const {
    if (bits_ == 8) return static_cast<double>(tile_[line * 64 + i]) - 128.0;
    const unsigned code = code_at(line, i);
    const unsigned before = line == 0 ? 0U : code_at(line - 1, i) >> (static_cast<unsigned>(bits_) - 1);
    if (bits_ != 3) return static_cast<double>(kLevels[code << 1U | before]) - 128.0;
    return static_cast<double>(kLevels[code >> 2U << 3U | before << 2U | (code & 3U)]) - 128.0;
  }

 private:
  unsigned code_at(std::size_t line, std::size_t i) const {
    if (bits_ == 4) return static_cast<unsigned>(tile_[line / 2 * 64 + i]) >> (line % 2 * 4) & 15U;
    const std::uint8_t* step = tile_ + line / 4 * (bits_ == 3 ? 96 : 64);
    const unsigned low = static_cast<unsigned>(step[i]) >> (line % 4 * 2) & 3U;
    if (bits_ == 2) return low;
    return low | (static_cast<unsigned>(step[64 + i % 32]) >> (i / 32 * 4 + line % 4) & 1U) << 2U;
  }

  const std::uint8_t* tile_;
  int bits_;
};

class TileDot : public testing::TestWithParam<const KernelTable*> {
 protected:
  const KernelTable& k() const { return *GetParam(); }

  static SplitMemory split(std::size_t rows, std::size_t columns, std::uint64_t seed) {
    SplitMemory memory(rows, columns);
    const auto x = random_floats(rows * columns, seed);
    portable::table().quantize_int16_rows(x.data(), columns, rows, columns, memory.planes());
    return memory;
  }

  CodeDotKernel dot(int bits) const {
    return bits == 8 ? k().dot_codes8 : bits == 4 ? k().dot_trellis4 : bits == 3 ? k().dot_trellis3 : k().dot_trellis2;
  }

  void check_codes(int bits, std::size_t rows, std::size_t columns, std::size_t tiles, bool with_low) const {
    const auto codes = random_bytes(tiles * columns * 16 * static_cast<std::size_t>(bits) / 8, rows * 31 + columns);
    SplitMemory x = split(rows, columns, rows);
    SplitRows view = x.view();
    if (!with_low) {
      view.low = nullptr;
      view.low_zero_terms = nullptr;
      std::fill(x.low.begin(), x.low.end(), std::int8_t{0});
    }
    const std::size_t stride = tiles * 16 + 16;
    const auto before = random_floats(rows * stride, 4);
    const auto scale_codes = random_bytes(tiles * 16, 5);
    const auto of_rows = random_floats(rows, 6);
    for (const bool accumulate : {false, true}) {
      auto out = before;
      TileOutput to;
      to.out = out.data();
      to.stride = stride;
      to.accumulate = accumulate;
      if (accumulate) {
        to.row_shrink = of_rows.data();
      } else {
        to.lane_scales = {scale_codes.data(), 1.0F / 4096.0F};
        to.row_add = of_rows.data();
      }
      dot(bits)(codes.data(), tiles, kLevels.data(), view, to);
      for (std::size_t r = 0; r < rows; ++r) {
        for (std::size_t lane = 0; lane < tiles * 16; ++lane) {
          const TileReader reader(&codes[lane / 16 * columns * 2 * static_cast<std::size_t>(bits)], bits);
          double sum = 0;
          for (std::size_t c = 0; c < columns; ++c) {
            sum += static_cast<double>(x.value(r, c)) * reader.level(c / 4, 4 * (lane % 16) + c % 4);
          }
          const double scale = scale_codes[lane] * scale_codes[lane] / 4096.0;
          const double of_row = static_cast<double>(of_rows[r]);
          const double expected =
              accumulate ? sum + static_cast<double>(before[r * stride + lane]) * of_row : sum * scale + of_row;
          ASSERT_NEAR(static_cast<double>(out[r * stride + lane]), expected, 1e-3 + 1e-5 * std::fabs(expected))
              << "row " << r << " lane " << lane;
        }
        for (std::size_t i = tiles * 16; i < stride; ++i)
          ASSERT_EQ(out[r * stride + i], before[r * stride + i]) << "wrote past the tiles";
      }
    }
  }
};

TEST_P(TileDot, CodesOfEveryRowCount) {
  for (std::size_t rows = 1; rows <= 35; ++rows) {
    for (const int bits : {8, 4, 3, 2}) {
      for (const bool with_low : {true, false}) check_codes(bits, rows, 64, 3, with_low);
    }
  }
}

TEST_P(TileDot, CodesOfEveryHeadSize) {
  for (std::size_t columns = 16; columns <= 256; columns += 16) {
    for (const int bits : {8, 4, 3, 2}) {
      for (const bool with_low : {true, false}) {
        check_codes(bits, 3, columns, 5, with_low);
        check_codes(bits, 21, columns, 2, with_low);
      }
    }
  }
}

TEST_P(TileDot, RowsDoNotSeeTheirNeighbours) {
  const std::size_t columns = 80;
  const std::size_t rows = 37;
  const auto codes = random_bytes(4 * columns * 8, 1);
  const auto scales = random_bytes(64, 2);
  const auto x = random_floats(rows * columns, 3);
  const auto row_add = random_floats(rows, 4);
  const auto run = [&](std::size_t first, std::size_t count) {
    SplitMemory memory(count, columns);
    k().quantize_int16_rows(&x[first * columns], columns, count, columns, memory.planes());
    std::vector<float> out(count * 64);
    TileOutput to;
    to.out = out.data();
    to.stride = 64;
    to.lane_scales = {scales.data(), 0.01F};
    to.row_add = &row_add[first];
    k().dot_trellis4(codes.data(), 4, kLevels.data(), memory.view(), to);
    return out;
  };
  const std::vector<float> together = run(0, rows);
  for (const std::size_t count : {1UL, 3UL, 16UL}) {
    for (std::size_t first = 0; first + count <= rows; ++first) {
      const std::vector<float> alone = run(first, count);
      for (std::size_t i = 0; i < alone.size(); ++i) ASSERT_EQ(alone[i], together[first * 64 + i]) << "bit for bit";
    }
  }
}

TEST_P(TileDot, FloatsOfEveryElementTypeAndRowCount) {
  for (std::size_t rows = 1; rows <= 15; ++rows) {
    const std::size_t columns = 48;
    const std::size_t tiles = 2;
    const auto weights = random_floats(tiles * columns * 16, rows);
    const auto x = random_floats(rows * columns, rows + 50);
    std::vector<std::uint16_t> f16(weights.size()), bf16(weights.size());
    for (std::size_t i = 0; i < weights.size(); ++i) {
      f16[i] = f32_to_f16(weights[i]);
      bf16[i] = f32_to_bf16(weights[i]);
    }
    const auto run = [&](FloatDotKernel kernel, const void* elements, std::size_t bytes, auto widen) {
      std::vector<float> out(rows * 32, 99.0F);
      kernel({elements, tiles, columns * 16 * bytes}, {x.data(), columns, rows, columns}, out.data(), 32, false);
      std::vector<float> twice = out;
      kernel({elements, tiles, columns * 16 * bytes}, {x.data(), columns, rows, columns}, twice.data(), 32, true);
      for (std::size_t r = 0; r < rows; ++r) {
        for (std::size_t lane = 0; lane < 32; ++lane) {
          double sum = 0;
          for (std::size_t c = 0; c < columns; ++c) {
            sum += static_cast<double>(widen((lane / 16 * columns + c) * 16 + lane % 16)) *
                   static_cast<double>(x[r * columns + c]);
          }
          ASSERT_NEAR(static_cast<double>(out[r * 32 + lane]), sum, 1e-5 * (1.0 + std::fabs(sum)));
          ASSERT_EQ(twice[r * 32 + lane], 2.0F * out[r * 32 + lane]);
        }
      }
    };
    run(k().dot_f32, weights.data(), 4, [&](std::size_t i) { return weights[i]; });
    run(k().dot_f16, f16.data(), 2, [&](std::size_t i) { return f16_to_f32(f16[i]); });
    run(k().dot_bf16, bf16.data(), 2, [&](std::size_t i) { return bf16_to_f32(bf16[i]); });
  }
}

TEST_P(TileDot, RowsWithAVectorOfBytes) {
  for (std::size_t columns = 16; columns <= 256; columns += 16) {
    const std::size_t rows = columns % 37 + 1;
    const auto x = random_floats(rows * columns, columns);
    const auto bytes = random_bytes(columns, 8);
    const auto* y = reinterpret_cast<const std::int8_t*>(bytes.data());
    std::vector<float> out(rows + 1, 99.0F);
    k().dot_rows_i8(x.data(), columns, rows, columns, y, 0.01F, out.data());
    for (std::size_t r = 0; r < rows; ++r) {
      double sum = 0;
      for (std::size_t c = 0; c < columns; ++c)
        sum += 0.01 * static_cast<double>(x[r * columns + c]) * static_cast<double>(y[c]);
      EXPECT_NEAR(static_cast<double>(out[r]), sum, 1e-4);
      float alone = 0.0F;
      k().dot_rows_i8(&x[r * columns], columns, 1, columns, y, 0.01F, &alone);
      EXPECT_EQ(out[r], alone) << "bit for bit";
    }
    EXPECT_EQ(out[rows], 99.0F) << "wrote past the rows";
  }
}

INSTANTIATE_TEST_SUITE_P(Isa, TileDot, testing::ValuesIn(runnable_kernels().begin(), runnable_kernels().end()),
                         [](const auto& test) { return std::string(test.param->name); });

}  // namespace
}  // namespace pith::kernels
