#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "kernels/types.h"

namespace pith::kernels::test {

/// Returns the index of a row's group in an array [blocks, groups, 12].
constexpr std::size_t group_at(std::size_t groups, std::size_t row, std::size_t group) {
  return (row / kBlockRows * groups + group) * kBlockRows + row % kBlockRows;
}

/// The memory behind CodeRows, and the values that its codes stand for.
struct CodeMemory {
  std::size_t groups;
  std::vector<std::int8_t> codes, residual_codes;
  std::vector<float> scales, sums, half_sums, residual_scales;
  std::vector<std::uint8_t> residual_counts, residual_rows;
  std::vector<std::int32_t> residual_sums;
  std::array<std::vector<std::int32_t>, kZeroTerms> zero_terms;

  CodeMemory(std::size_t rows, std::size_t columns)
      : groups(columns / kGroup),
        codes(row_tiles(rows) * kTileRows * columns),
        residual_codes(codes.size()),
        scales(codes.size() / kGroup),
        sums(scales.size()),
        half_sums(2 * scales.size()),
        residual_scales(scales.size()),
        residual_counts(scales.size() / kTileRows),
        residual_rows(scales.size()),
        residual_sums(2 * scales.size()) {
    for (auto& zero_term : zero_terms) zero_term.resize(2 * scales.size());
  }

  CodeRows view() {
    CodeRows to = {codes.data(), scales.data(), sums.data(), half_sums.data(), {}, {}};
    for (std::size_t i = 0; i < kZeroTerms; ++i) to.zero_terms[i] = zero_terms[i].data();
    to.residual = {residual_counts.data(), residual_rows.data(), residual_codes.data(), residual_scales.data(),
                   residual_sums.data()};
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
    std::copy_n(all.zero_terms, kZeroTerms, x.zero_terms);
    x.residual = all.residual;
    x.rows = rows;
    x.columns = groups * kGroup;
    x.stride = x.columns;
    return x;
  }
  /// Returns the slot of the group's residual plane, if it has one.
  std::optional<std::size_t> slot(std::size_t row, std::size_t group) const {
    const std::size_t tile = row / kTileRows * groups + group;
    for (std::size_t s = tile * kTileRows; s < tile * kTileRows + residual_counts[tile]; ++s) {
      if (residual_rows[s] == row % kTileRows) return s;
    }
    return std::nullopt;
  }
  float scale(std::size_t row, std::size_t group) const { return scales[group_at(groups, row, group)]; }
  float value(std::size_t row, std::size_t column) const {
    const std::size_t at = group_at(groups, row, column / kGroup);
    const float high = scales[at] * static_cast<float>(codes[at * kGroup + column % kGroup]);
    const auto residual = slot(row, column / kGroup);
    if (!residual) return high;
    return high + residual_scales[*residual] * static_cast<float>(residual_codes[*residual * kGroup + column % kGroup]);
  }
};

}  // namespace pith::kernels::test
