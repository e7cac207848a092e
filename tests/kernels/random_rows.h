#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "base/half.h"
#include "kernels/types.h"

namespace pith::kernels::test {

/// Normally distributed floats with standard deviation `scale`; the same for the same seed.
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

/// The memory behind SplitRows, and the values that it stands for.
struct SplitMemory {
  std::size_t rows, columns;
  std::vector<std::int8_t> high, low;
  std::vector<float> scales;
  std::vector<std::int32_t> high_zero_terms, low_zero_terms;

  SplitMemory(std::size_t row_count, std::size_t column_count)
      : rows(row_count),
        columns(column_count),
        high(row_blocks() * column_blocks() * kSplitRows * kSplitColumns),
        low(high.size()),
        scales(row_blocks() * kSplitRows),
        high_zero_terms(scales.size()),
        low_zero_terms(scales.size()) {}

  SplitPlanes planes() {
    return {high.data(), low.data(), scales.data(), high_zero_terms.data(), low_zero_terms.data()};
  }
  SplitRows view() const {
    return {high.data(), low.data(), scales.data(), high_zero_terms.data(), low_zero_terms.data(), rows, columns};
  }
  /// Returns the index of an element in its plane.
  std::size_t at(std::size_t row, std::size_t column) const {
    const std::size_t block = row / kSplitRows * column_blocks() + column / kSplitColumns;
    return (block * kSplitRows + row % kSplitRows) * kSplitColumns + column % kSplitColumns;
  }
  float value(std::size_t row, std::size_t column) const {
    return scales[row] * static_cast<float>(256 * high[at(row, column)] + low[at(row, column)]);
  }

 private:
  std::size_t row_blocks() const { return (rows + kSplitRows - 1) / kSplitRows; }
  std::size_t column_blocks() const { return (columns + kSplitColumns - 1) / kSplitColumns; }
};

}  // namespace pith::kernels::test
