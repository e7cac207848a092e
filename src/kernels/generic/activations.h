#pragma once

// Quantizes float rows to int8 for the integer kernels. Include a simd.h first.
#include "kernels/generic/reduce.h"
#include "kernels/types.h"

namespace pith::kernels::PITH_ISA {

/// Returns 0 if every lane is finite, NaN otherwise. Sums propagate NaN; min and max do not.
inline float finite_or_nan(F32x16 x) { return reduce_add(mul(x, set1(0.0F))); }

/// Rows whose largest value is below this are treated as zero: its inverse could overflow to infinity.
inline constexpr float kSmallest = 1e-30F;

/// A group is an outlier, and gets a residual plane, if its largest value exceeds the root mean square of all groups'
/// largest values in its row by this factor. Few groups of real models do, and it halves the error of their logits
/// (ADR 5).
inline constexpr float kOutlierRatio = 2.0F;
/// Steps of the residual plane per step of the first: the largest residual, half a step, becomes 127.
inline constexpr float kResidualSteps = 254.0F;

struct CodeSums {
  std::int32_t first, second;
};

/// Rounds a group of scaled values to codes, stores them, and returns their sums per half group.
inline CodeSums put_codes(F32x16 a, F32x16 b, std::int8_t* codes) {
  const I32x16 code_a = to_i32(a);
  const I32x16 code_b = to_i32(b);
  store_i8(codes, code_a);
  store_i8(codes + kLanes, code_b);
  return {reduce_add_i32(code_a), reduce_add_i32(code_b)};
}

/// The rows to quantize together: a whole block of 12, or a single row. For a block, per-row numbers such as scales are
/// computed as one vector with a lane per row and stored at once; for a single row, every lane holds the same number.
struct QuantizedBlock {
  const float* x;  ///< [rows, columns]
  std::size_t columns;
  std::size_t tile_row;  ///< The first row's index in its tile
  CodeRows to;           ///< Starts at the first row; residual planes start at the tile

  F32x16 half_group(std::size_t row, std::size_t group, std::size_t half) const {
    return load(x + row * columns + group * kGroup + half * kLanes);
  }
};

template <std::size_t rows>
inline F32x16 load_lanes(const float* lanes) {
  return rows == 1 ? set1(lanes[0]) : load(lanes);
}

template <std::size_t rows>
inline void put_lanes(F32x16 x, float* to) {
  if constexpr (rows == 1) {
    *to = first(x);
  } else {
    float lanes[kLanes];
    store(lanes, x);
    std::memcpy(to, lanes, rows * sizeof *to);
  }
}

/// Divides per lane. A scalar division is cheaper than a vector one.
template <std::size_t rows>
inline F32x16 divide(F32x16 a, F32x16 b) {
  return rows == 1 ? set1(first(a) / first(b)) : div(a, b);
}

/// Returns Op::reduce(value(r)) in lane r.
template <typename Op, std::size_t rows, typename Value>
inline F32x16 reduce_block(const Value& value) {
  if constexpr (rows == 1) {
    return set1(Op::reduce(value(0)));
  } else {
    return reduce_rows<Op, true, rows>(rows, value);
  }
}

/// Sums of codes per half group, one lane per row.
struct LaneSums {
  F32x16 first, second;
};

template <std::size_t rows>
inline void put_zero_terms(const QuantizedBlock& block, std::size_t group, const LaneSums& sums) {
  const auto put = [&](std::int32_t* zero_terms, F32x16 of, std::int32_t zero_point) {
    std::int32_t lanes[kLanes];
    store_i32(lanes, to_i32(mul(of, set1(static_cast<float>(-zero_point)))));
    std::memcpy(zero_terms, lanes, rows * sizeof *zero_terms);
  };
  for (std::size_t i = 0; i < kZeroTerms; ++i) {
    const auto zero_term = static_cast<ZeroTerm>(i);
    std::int32_t* zero_terms = block.to.zero_terms[i];
    if (zero_terms == nullptr) continue;
    if (by_half(zero_term)) {
      put(zero_terms + 2 * group * kBlockRows, sums.first, zero_point(zero_term));
      put(zero_terms + (2 * group + 1) * kBlockRows, sums.second, zero_point(zero_term));
    } else {
      put(zero_terms + group * kBlockRows, add(sums.first, sums.second), zero_point(zero_term));
    }
  }
}

/// Writes the residual plane of a group with values steps_a and steps_b, in steps of the first plane. Returns the sums
/// of its codes.
inline CodeSums put_residual_plane(F32x16 steps_a, F32x16 steps_b, float residual_scale, std::size_t group,
                                   std::size_t slot, std::size_t tile_row, const ResidualPlanes& to) {
  const std::size_t place = group * kTileRows + slot;
  const F32x16 up = set1(kResidualSteps);
  const CodeSums residual = put_codes(mul(sub(steps_a, round(steps_a)), up), mul(sub(steps_b, round(steps_b)), up),
                                      to.codes + place * kGroup);
  to.rows[place] = static_cast<std::uint8_t>(tile_row);
  to.scales[place] = residual_scale;
  to.sums[2 * group * kTileRows + slot] = residual.first;
  to.sums[(2 * group + 1) * kTileRows + slot] = residual.second;
  return residual;
}

/// Stores the largest magnitude of every group where its scale will go later, and computes for each row the limit above
/// which a group is an outlier. Returns false if any value may be NaN or infinite.
template <std::size_t rows>
inline bool measure_block(const QuantizedBlock& block, std::size_t groups, float (&limits)[kLanes]) {
  F32x16 squares = zero();
  F32x16 poison = zero();
  for (std::size_t g = 0; g < groups; ++g) {
    const F32x16 largest = reduce_block<Largest, rows>([&](std::size_t r) {
      const F32x16 a = block.half_group(r, g, 0);
      const F32x16 b = block.half_group(r, g, 1);
      poison = fma(add(a, b), zero(), poison);
      return max(abs(a), abs(b));
    });
    squares = add(squares, mul(largest, largest));
    put_lanes<rows>(largest, block.to.scales + g * kBlockRows);
  }
  store(limits, squares);
  for (std::size_t r = 0; r < rows; ++r) {
    limits[r] = kOutlierRatio * __builtin_sqrtf(limits[r] / static_cast<float>(groups));
  }
  return reduce_add(poison) == 0.0F;
}

/// Rows of a group that are not simply rounded, one bit each.
struct UnusualRows {
  unsigned not_finite, outliers;
};

/// Writes NaN scales for rows that are not finite and residual planes for outliers, of which `steps(row, half)` are the
/// values in steps of the first plane. Returns the group's sums with those of the residual planes.
template <std::size_t rows, typename Steps>
inline LaneSums finish_unusual(const QuantizedBlock& block, std::size_t group, UnusualRows unusual, const Steps& steps,
                               const LaneSums& sums) {
  float* scales = block.to.scales + group * kBlockRows;
  float firsts[kLanes];
  float seconds[kLanes];
  store(firsts, sums.first);
  store(seconds, sums.second);
  const ResidualPlanes& residual = block.to.residual;
  // Other threads take slots of the same group for their blocks.
  const auto taken = static_cast<std::uint8_t>(__builtin_popcount(unusual.outliers));
  std::size_t slot = taken == 0 ? 0 : __atomic_fetch_add(&residual.counts[group], taken, __ATOMIC_RELAXED);
  for (std::size_t r = 0; r < rows; ++r) {
    if ((unusual.not_finite >> r & 1U) != 0) scales[r] = firsts[r] = seconds[r] = __builtin_nanf("");
    if ((unusual.outliers >> r & 1U) == 0) continue;
    const float residual_scale = scales[r] / kResidualSteps;
    const CodeSums residual_sums =
        put_residual_plane(steps(r, 0), steps(r, 1), residual_scale, group, slot++, block.tile_row + r, residual);
    firsts[r] += residual_scale * static_cast<float>(residual_sums.first);
    seconds[r] += residual_scale * static_cast<float>(residual_sums.second);
  }
  return {load_lanes<rows>(firsts), load_lanes<rows>(seconds)};
}

template <std::size_t rows>
inline void quantize_group(const QuantizedBlock& block, std::size_t group, const float (&limits)[kLanes], bool finite) {
  float* scales = block.to.scales + group * kBlockRows;
  float largest[kLanes] = {};
  unsigned not_finite = 0;
  unsigned outliers = 0;
  for (std::size_t r = 0; r < rows; ++r) {
    // measure_block() also returns false if the sum of finite values overflows, so check each group here.
    if (!finite &&
        finite_or_nan(block.half_group(r, group, 0)) + finite_or_nan(block.half_group(r, group, 1)) != 0.0F) {
      not_finite |= 1U << r;
      continue;
    }
    largest[r] = scales[r];
    if (largest[r] > limits[r]) outliers |= 1U << r;
  }
  const F32x16 top = load_lanes<rows>(largest);
  const F32x16 smallest = set1(kSmallest);
  const F32x16 scale = divide<rows>(top, set1(127.0F));
  float inverses[kLanes];
  store(inverses, select_less(smallest, top, divide<rows>(set1(127.0F), max(top, smallest)), zero()));
  const auto steps = [&](std::size_t r, std::size_t half) {
    // The NaN scale alone makes every result NaN. Codes must be zero: those of NaN or infinity could overflow sums.
    if (not_finite != 0 && (not_finite >> r & 1U) != 0) return zero();
    return mul(block.half_group(r, group, half), set1(inverses[r]));
  };

  F32x16 first_codes[rows];
  F32x16 second_codes[rows];
  std::int8_t* codes = block.to.codes + group * kBlockRows * kGroup;
  for (std::size_t r = 0; r < rows; ++r, codes += kGroup) {
    const I32x16 first = to_i32(steps(r, 0));
    const I32x16 second = to_i32(steps(r, 1));
    store_i8(codes, first);
    store_i8(codes + kLanes, second);
    first_codes[r] = to_f32(first);
    second_codes[r] = to_f32(second);
  }
  const LaneSums code_sums = {reduce_block<Sum, rows>([&](std::size_t r) { return first_codes[r]; }),
                              reduce_block<Sum, rows>([&](std::size_t r) { return second_codes[r]; })};
  put_zero_terms<rows>(block, group, code_sums);
  LaneSums sums = {mul(scale, code_sums.first), mul(scale, code_sums.second)};
  put_lanes<rows>(scale, scales);
  if ((outliers | not_finite) != 0) sums = finish_unusual<rows>(block, group, {not_finite, outliers}, steps, sums);
  put_lanes<rows>(sums.first, block.to.half_sums + 2 * group * kBlockRows);
  put_lanes<rows>(sums.second, block.to.half_sums + (2 * group + 1) * kBlockRows);
  put_lanes<rows>(add(sums.first, sums.second), block.to.sums + group * kBlockRows);
}

template <std::size_t rows>
inline void quantize_block(const QuantizedBlock& block) {
  const std::size_t groups = block.columns / kGroup;
  float limits[kLanes];
  const bool finite = measure_block<rows>(block, groups, limits);
  for (std::size_t g = 0; g < groups; ++g) quantize_group<rows>(block, g, limits, finite);
}

/// Advances the members within a block by `rows` rows.
inline void skip_rows(CodeRows& to, std::size_t rows) {
  to.codes += rows * kGroup;
  to.scales += rows;
  to.sums += rows;
  to.half_sums += rows;
  for (std::int32_t*& zero_terms : to.zero_terms) {
    if (zero_terms != nullptr) zero_terms += rows;
  }
}

inline void quantize_rows(const float* x, std::size_t first, std::size_t rows, std::size_t columns,
                          const CodeRows& to) {
  const std::size_t groups = columns / kGroup;
  for (std::size_t done = 0; done < rows;) {
    const std::size_t row = first + done;
    const std::size_t in_block = row % kBlockRows;
    QuantizedBlock block = {x + done * columns, columns, row % kTileRows, to};
    skip_tiles(block.to, row / kTileRows, groups);
    skip_blocks(block.to, row % kTileRows / kBlockRows, groups);
    if (in_block == 0 && rows - done >= kBlockRows) {
      quantize_block<kBlockRows>(block);
      done += kBlockRows;
    } else {
      skip_rows(block.to, in_block);
      quantize_block<1>(block);
      ++done;
    }
  }
}

}  // namespace pith::kernels::PITH_ISA
