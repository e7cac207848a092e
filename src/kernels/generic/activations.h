#pragma once

// Needs a simd.h included before. Turning float rows into integers for the integer kernels.
#include "kernels/generic/reduce.h"
#include "kernels/types.h"

namespace pith::kernels::PITH_ISA {

/// Zero where every lane is finite, NaN otherwise: min and max lose NaN, sums do not.
inline float finite_or_nan(F32x16 x) { return reduce_add(mul(x, set1(0.0F))); }

/// Rows that stay below are as good as zero; the inverse of less could be infinite.
inline constexpr float kSmallest = 1e-30F;

/// A group gets a second plane of codes if its largest value is so many times the root mean square of its row's. Few
/// groups of real models do, and the error of their logits is halved (docs/adr).
inline constexpr float kStandsOut = 2.0F;
/// The second plane's steps to one of the first: half a step, at most, becomes 127.
inline constexpr float kLowSteps = 254.0F;

struct CodeSums {
  std::int32_t first, second;
};

/// Codes of one group of scaled values; their sums by half group.
inline CodeSums put_codes(F32x16 a, F32x16 b, std::int8_t* codes) {
  const I32x16 code_a = to_i32(a);
  const I32x16 code_b = to_i32(b);
  store_i8(codes, code_a);
  store_i8(codes + kLanes, code_b);
  return {reduce_add_i32(code_a), reduce_add_i32(code_b)};
}

/// A group of a row of the tile; the block that has the row begins at `to`.
struct CodePlace {
  std::size_t group, tile_row;

  std::size_t row() const { return tile_row % kBlockRows; }
  std::size_t whole() const { return group * kBlockRows + row(); }
  std::size_t half(std::size_t which) const { return (2 * group + which) * kBlockRows + row(); }
};

inline void put_starts(CodeSums sums, CodePlace at, const CodeRows& to) {
  for (std::size_t i = 0; i < kStarts; ++i) {
    std::int32_t* starts = to.starts[i];
    if (starts == nullptr) continue;
    const std::int32_t zero = zero_point(static_cast<Start>(i));
    if (by_half(static_cast<Start>(i))) {
      starts[at.half(0)] = -zero * sums.first;
      starts[at.half(1)] = -zero * sums.second;
    } else {
      starts[at.whole()] = -zero * (sums.first + sums.second);
    }
  }
}

/// The second plane of a group whose first has the given steps. Returns the sums of its codes. Rows of other threads
/// take slots of the same group.
inline CodeSums put_second_plane(F32x16 steps_a, F32x16 steps_b, float low_scale, CodePlace at,
                                 const SecondPlanes& to) {
  const std::size_t slot = __atomic_fetch_add(&to.counts[at.group], std::uint8_t{1}, __ATOMIC_RELAXED);
  const std::size_t place = at.group * kTileRows + slot;
  const F32x16 up = set1(kLowSteps);
  const CodeSums low = put_codes(mul(sub(steps_a, round(steps_a)), up), mul(sub(steps_b, round(steps_b)), up),
                                 to.codes + place * kGroup);
  to.rows[place] = static_cast<std::uint8_t>(at.tile_row);
  to.scales[place] = low_scale;
  to.sums[2 * at.group * kTileRows + slot] = low.first;
  to.sums[(2 * at.group + 1) * kTileRows + slot] = low.second;
  return low;
}

/// Row `tile_row` of a tile; its block, and the second planes of the tile, begin at `to`.
void quantize_row(const float* x, std::size_t groups, std::size_t tile_row, const CodeRows& to) {
  // First the largest value of each group, kept where its scale goes.
  float squares = 0.0F;
  F32x16 poison = zero();
  for (std::size_t g = 0; g < groups; ++g) {
    const F32x16 a = load(x + g * kGroup);
    const F32x16 b = load(x + g * kGroup + kLanes);
    poison = fma(a, zero(), fma(b, zero(), poison));
    const float largest = reduce_max(max(abs(a), abs(b)));
    squares += largest * largest;
    to.scales[CodePlace{g, tile_row}.whole()] = largest;
  }
  const float limit = kStandsOut * __builtin_sqrtf(squares / static_cast<float>(groups));
  const float all_finite = reduce_add(poison);
  for (std::size_t g = 0; g < groups; ++g) {
    const CodePlace at = {g, tile_row};
    F32x16 a = load(x + g * kGroup);
    F32x16 b = load(x + g * kGroup + kLanes);
    float largest = to.scales[at.whole()];
    float scale = largest / 127.0F;
    if (all_finite != 0.0F && finite_or_nan(a) + finite_or_nan(b) != 0.0F) {
      // The scale alone makes every result NaN; codes of what is no number could overflow sums.
      scale = __builtin_nanf("");
      largest = 0.0F;
      a = zero();
      b = zero();
    }
    const F32x16 inverse = set1(largest > kSmallest ? 127.0F / largest : 0.0F);
    const F32x16 steps_a = mul(a, inverse);
    const F32x16 steps_b = mul(b, inverse);
    const CodeSums high = put_codes(steps_a, steps_b, to.codes + at.whole() * kGroup);
    put_starts(high, at, to);
    float first = scale * static_cast<float>(high.first);
    float second = scale * static_cast<float>(high.second);
    to.scales[at.whole()] = scale;
    if (largest > limit) {
      const float low_scale = scale / kLowSteps;
      const CodeSums low = put_second_plane(steps_a, steps_b, low_scale, at, to.low);
      first += low_scale * static_cast<float>(low.first);
      second += low_scale * static_cast<float>(low.second);
    }
    to.half_sums[at.half(0)] = first;
    to.half_sums[at.half(1)] = second;
    to.sums[at.whole()] = first + second;
  }
}

void quantize_rows(const float* x, std::size_t first, std::size_t rows, std::size_t columns, const CodeRows& to) {
  const std::size_t groups = columns / kGroup;
  for (std::size_t row = first; row < first + rows; ++row, x += columns) {
    CodeRows block = to;
    skip_tiles(block, row / kTileRows, groups);
    skip_blocks(block, row % kTileRows / kBlockRows, groups);
    quantize_row(x, groups, row % kTileRows, block);
  }
}

}  // namespace pith::kernels::PITH_ISA
