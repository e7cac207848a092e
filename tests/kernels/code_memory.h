#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "kernels/types.h"

namespace pith::kernels::test {

/// The memory behind CodeRows, and the values that its codes stand for.
struct CodeMemory {
  std::size_t groups;
  std::vector<std::int8_t> codes, low_codes;
  std::vector<float> scales, sums, half_sums, low_scales;
  std::vector<std::uint8_t> low_counts, low_rows;
  std::vector<std::int32_t> low_sums;
  std::array<std::vector<std::int32_t>, kStarts> starts;

  CodeMemory(std::size_t rows, std::size_t columns)
      : groups(columns / kGroup),
        codes(row_tiles(rows) * kTileRows * columns),
        low_codes(codes.size()),
        scales(codes.size() / kGroup),
        sums(scales.size()),
        half_sums(2 * scales.size()),
        low_scales(scales.size()),
        low_counts(scales.size() / kTileRows),
        low_rows(scales.size()),
        low_sums(2 * scales.size()) {
    for (auto& start : starts) start.resize(2 * scales.size());
  }

  CodeRows view() {
    CodeRows to = {codes.data(), scales.data(), sums.data(), half_sums.data(), {}, {}};
    for (std::size_t i = 0; i < kStarts; ++i) to.starts[i] = starts[i].data();
    to.low = {low_counts.data(), low_rows.data(), low_codes.data(), low_scales.data(), low_sums.data()};
    return to;
  }
  /// Returns the view that kernels read.
  Activations activations(std::size_t rows) {
    Activations x;
    x.codes = codes.data();
    x.scales = scales.data();
    x.sums = sums.data();
    x.half_sums = half_sums.data();
    const CodeRows all = view();
    std::copy_n(all.starts, kStarts, x.starts);
    x.low = all.low;
    x.rows = rows;
    x.columns = groups * kGroup;
    x.stride = x.columns;
    return x;
  }
  /// Returns the slot of the group's residual plane, if it has one.
  std::optional<std::size_t> slot(std::size_t row, std::size_t group) const {
    const std::size_t tile = row / kTileRows * groups + group;
    for (std::size_t s = tile * kTileRows; s < tile * kTileRows + low_counts[tile]; ++s) {
      if (low_rows[s] == row % kTileRows) return s;
    }
    return std::nullopt;
  }
  float scale(std::size_t row, std::size_t group) const { return scales[group_at(groups, row, group)]; }
  float value(std::size_t row, std::size_t column) const {
    const std::size_t at = group_at(groups, row, column / kGroup);
    const float high = scales[at] * static_cast<float>(codes[at * kGroup + column % kGroup]);
    const auto low = slot(row, column / kGroup);
    if (!low) return high;
    return high + low_scales[*low] * static_cast<float>(low_codes[*low * kGroup + column % kGroup]);
  }
};

}  // namespace pith::kernels::test
