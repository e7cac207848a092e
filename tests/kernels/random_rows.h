#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "base/half.h"
#include "kernels/types.h"

namespace pith::kernels::test {

inline std::vector<float> random_floats(std::size_t count, std::uint64_t seed, float scale = 1.0F) {
  std::mt19937_64 engine(seed);
  std::normal_distribution<float> normal(0.0F, scale);
  std::vector<float> values(count);
  for (float& v : values) v = normal(engine);
  return values;
}

inline std::vector<std::uint8_t> random_bytes(std::size_t count, std::uint64_t seed) {
  std::mt19937_64 engine(seed);
  std::vector<std::uint8_t> values(count);
  for (std::uint8_t& v : values) v = static_cast<std::uint8_t>(engine());
  return values;
}

/// Split rows and the memory behind them.
struct SplitMemory {
  std::vector<std::int8_t> high, low;
  std::vector<float> scales;
  std::vector<std::int32_t> high_sums, low_sums;
  std::size_t rows, columns;

  SplitMemory(std::size_t row_count, std::size_t column_count)
      : high(row_count * column_count),
        low(row_count * column_count),
        scales(row_count),
        high_sums(row_count),
        low_sums(row_count),
        rows(row_count),
        columns(column_count) {}

  SplitRows view() const {
    return {high.data(), low.data(), scales.data(), high_sums.data(), low_sums.data(), rows, columns};
  }
  float value(std::size_t row, std::size_t column) const {
    const std::size_t at = row * columns + column;
    return scales[row] * static_cast<float>(256 * high[at] + low[at]);
  }
};

}  // namespace pith::kernels::test
