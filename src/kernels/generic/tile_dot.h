#pragma once

// Dots of split or float rows with tiles of the KV cache (docs/formats/kv_page.md). Include a simd.h first. The lanes
// of a key tile are 16 tokens, those of a value tile 16 dimensions, so the same two kernels compute scores and outputs.
#include "kernels/generic/int16_rows.h"
#include "kernels/generic/matmul.h"
#include "kernels/generic/reduce.h"
#include "kernels/generic/tile_codes.h"
#include "kernels/types.h"

namespace pith::kernels::PITH_ISA {

/// Loads scales [i, i + 16).
inline F32x16 load_scales(const LaneScales& scales, std::size_t i) {
  const F32x16 code = load_u8(scales.codes + i);
  return mul(mul(code, code), set1(scales.unit));
}

/// Which planes of split rows are multiplied: the high one; both, with sums of their own; or both as the 16-bit numbers
/// that they are, which gives the same integers where instructions for that are faster (kWholeColumnsMax).
enum class Planes { kHigh, kBoth, kWhole };

/// The integer sums of a tile with some rows, per plane; whole numbers have theirs in `high`.
template <std::size_t rows, Planes planes>
struct TileSums {
  I32x16 high[rows];
  I32x16 low[planes == Planes::kBoth ? rows : 1];

  void begin(const SplitRows& x, std::size_t row) {
    // The zero-point terms subtract the whole zero point, so skip them if the products subtract it themselves.
    static_assert(kCodeOffset == 0 || kCodeOffset == 128);
    constexpr bool kHasTerms = planes != Planes::kWhole && kCodeOffset == 0;
    const auto initial = [](std::int32_t term) { return kHasTerms ? set1_i32(term) : zero_i32(); };
#pragma GCC unroll 16
    for (std::size_t n = 0; n < rows; ++n) {
      high[n] = initial(x.high_zero_terms[row + n]);
      if constexpr (planes == Planes::kBoth) low[n] = initial(x.low_zero_terms[row + n]);
    }
  }

  void add_line(std::size_t n, U8x64 w, const std::int8_t* high_codes, const std::int8_t* low_codes) {
    if constexpr (planes == Planes::kWhole) {
      add_dot4_whole(high[n], w, high_codes, low_codes);
    } else {
      add_dot4(high[n], w, high_codes);
      if constexpr (planes == Planes::kBoth) add_dot4(low[n], w, low_codes);
    }
  }

  /// The sum of row n before scaling.
  F32x16 value(std::size_t n) const {
    if constexpr (planes == Planes::kWhole) return to_f32(high[n]);
    if constexpr (planes == Planes::kBoth) return fma(to_f32(high[n]), set1(256.0F), to_f32(low[n]));
    return mul(to_f32(high[n]), set1(256.0F));
  }

  void write(const SplitRows& x, std::size_t row, const TileOutput& to, std::size_t tile) const {
    const float* scales = x.scales + row;
    float* out = to.out + row * to.stride + tile * kLanes;
    if (to.accumulate) {
#pragma GCC unroll 16
      for (std::size_t n = 0; n < rows; ++n, out += to.stride) {
        store(out, fma(value(n), set1(scales[n]), mul(load(out), set1(to.row_shrink[row + n]))));
      }
    } else {
      const F32x16 lane_scales = load_scales(to.lane_scales, tile * kLanes);
#pragma GCC unroll 16
      for (std::size_t n = 0; n < rows; ++n, out += to.stride) {
        store(out, fma(mul(value(n), set1(scales[n])), lane_scales, set1(to.row_add[row + n])));
      }
    }
  }
};

/// Returns p while hiding its origin from the compiler, so that GCC addresses rows at constant offsets from it.
/// Otherwise it computes an address per row, for which there are not enough registers.
inline const std::int8_t* fresh(const std::int8_t* p) {
  asm("" : "+r"(p));
  return p;
}

/// A place in the low plane that counts only if the plane is read.
template <Planes planes>
inline const std::int8_t* low_at(const std::int8_t* low, std::size_t at) {
  return planes == Planes::kHigh ? nullptr : fresh(low + at);
}

/// Multiplies the levels of a tile [lines][64 bytes] with rows [row, row + rows) of one block.
template <std::size_t rows, Planes planes>
inline void dot_levels(const std::uint8_t* levels, const SplitRows& x, std::size_t row, const TileOutput& to,
                       std::size_t tile) {
  const std::size_t lines = x.columns / 4;
  constexpr std::size_t kLines = kSplitColumns / 4;
  const std::int8_t* high = x.high + split_row_at(row, x.columns);
  const std::int8_t* low = planes == Planes::kHigh ? nullptr : x.low + split_row_at(row, x.columns);
  TileSums<rows, planes> sums;
  sums.begin(x, row);
  // A single loop without branches: around a nested loop GCC would copy all sums.
  for (std::size_t line = 0; line < lines; ++line, levels += 64) {
    const U8x64 w = load_bytes(levels);
    const std::size_t block = line / kLines * kSplitBlockBytes + line % kLines * 4;
    const std::int8_t* high_line = fresh(high + block);
    const std::int8_t* low_line = low_at<planes>(low, block);
#pragma GCC unroll 16
    for (std::size_t n = 0; n < rows; ++n) {
      const std::size_t at = n * kSplitColumns;
      sums.add_line(n, w, high_line + at, planes == Planes::kHigh ? nullptr : low_line + at);
    }
  }
  sums.write(x, row, to, tile);
}

/// For many rows: unpacks a tile once, then reads it from the L1 cache.
template <typename Codes, Planes planes>
void dot_many(const std::uint8_t* bytes, std::size_t tiles, const std::uint8_t* levels, const SplitRows& x,
              const TileOutput& to) {
  alignas(64) std::uint8_t memory[kTileLinesMax * 64];
  const std::size_t lines = x.columns / 4;
  for (std::size_t tile = 0; tile < tiles; ++tile, bytes += lines / Codes::kVectors * Codes::kBytes) {
    const std::uint8_t* unpacked = unpack_tile<Codes>(bytes, lines, levels, memory);
    for_row_blocks<planes == Planes::kBoth ? kDotRowsMax : 2 * kDotRowsMax>(
        x.rows, [&]<std::size_t rows>(std::size_t row) { dot_levels<rows, planes>(unpacked, x, row, to, tile); });
  }
}

/// Multiplies tiles [tile, tile + side_by_side) with the few rows of a decode step. Uses levels as they are unpacked,
/// and keeps as many independent sums as fit into registers, to hide the latency of the products.
template <typename Codes, std::size_t rows, Planes planes, std::size_t side_by_side>
inline void dot_side_by_side(const std::uint8_t* bytes, const std::uint8_t* levels, const SplitRows& x,
                             const TileOutput& to, std::size_t tile) {
  const std::size_t steps = x.columns / (4 * Codes::kVectors);
  constexpr std::size_t kSteps = kSplitColumns / (4 * Codes::kVectors);
  TileSums<rows, planes> sums[side_by_side];
  Codes codes[side_by_side];
  // Every loop over tiles is unrolled: one index that is not a constant would keep all sums in memory.
#pragma GCC unroll 4
  for (std::size_t t = 0; t < side_by_side; ++t) {
    sums[t].begin(x, 0);
    codes[t].begin(levels);
  }
  for (std::size_t j = 0; j < steps; ++j, bytes += Codes::kBytes) {
    U8x64 w[side_by_side][Codes::kVectors];
    const std::size_t block = j / kSteps * kSplitBlockBytes + j % kSteps * (4 * Codes::kVectors);
#pragma GCC unroll 4
    for (std::size_t t = 0; t < side_by_side; ++t) codes[t].get(bytes + t * steps * Codes::kBytes, w[t]);
    const std::int8_t* high = fresh(x.high + block);
    const std::int8_t* low = low_at<planes>(x.low, block);
#pragma GCC unroll 4
    for (std::size_t v = 0; v < Codes::kVectors; ++v) {
#pragma GCC unroll 4
      for (std::size_t n = 0; n < rows; ++n) {
        const std::size_t at = n * kSplitColumns + 4 * v;
#pragma GCC unroll 4
        for (std::size_t t = 0; t < side_by_side; ++t) {
          sums[t].add_line(n, w[t][v], high + at, planes == Planes::kHigh ? nullptr : low + at);
        }
      }
    }
  }
#pragma GCC unroll 4
  for (std::size_t t = 0; t < side_by_side; ++t) sums[t].write(x, 0, to, tile + t);
}

/// The most rows for which dot_few() is used.
inline constexpr std::size_t kFewRows = 4;

template <typename Codes, std::size_t rows, Planes planes>
void dot_few(const std::uint8_t* bytes, std::size_t tiles, const std::uint8_t* levels, const SplitRows& x,
             const TileOutput& to) {
  constexpr std::size_t kFit = 2 * kDotRowsMax / (rows * (planes == Planes::kBoth ? 2 : 1));
  constexpr std::size_t kSideBySide = kFit >= 4 ? 4 : kFit >= 2 ? 2 : 1;
  const std::size_t tile_bytes = x.columns / (4 * Codes::kVectors) * Codes::kBytes;
  std::size_t tile = 0;
  for (; tile + kSideBySide <= tiles; tile += kSideBySide)
    dot_side_by_side<Codes, rows, planes, kSideBySide>(bytes + tile * tile_bytes, levels, x, to, tile);
  for (; tile < tiles; ++tile) dot_side_by_side<Codes, rows, planes, 1>(bytes + tile * tile_bytes, levels, x, to, tile);
}

template <typename Codes, Planes planes>
void dot_planes(const std::uint8_t* codes, std::size_t tiles, const std::uint8_t* levels, const SplitRows& x,
                const TileOutput& to) {
  if (x.rows > kFewRows) {
    dot_many<Codes, planes>(codes, tiles, levels, x, to);
    return;
  }
  for_row_blocks<kFewRows>(
      x.rows, [&]<std::size_t rows>(std::size_t) { dot_few<Codes, rows, planes>(codes, tiles, levels, x, to); });
}

template <typename Codes>
void dot_codes(const std::uint8_t* codes, std::size_t tiles, const std::uint8_t* levels, const SplitRows& x,
               const TileOutput& to) {
  if (x.low == nullptr) {
    dot_planes<Codes, Planes::kHigh>(codes, tiles, levels, x, to);
    return;
  }
  if constexpr (kWholeColumnsMax != 0) {
    if (x.columns <= kWholeColumnsMax) {
      dot_planes<Codes, Planes::kWhole>(codes, tiles, levels, x, to);
      return;
    }
  }
  dot_planes<Codes, Planes::kBoth>(codes, tiles, levels, x, to);
}

template <typename Element>
void dot_floats(const FloatTiles& tiles, const FloatRows& rows, float* out, std::size_t stride, bool accumulate) {
  for_row_blocks<kFloatRowsMax>(rows.rows, [&]<std::size_t n>(std::size_t row) {
    for (std::size_t tile = 0; tile < tiles.tiles; ++tile) {
      F32x16 total[n];
      for (F32x16& t : total) t = zero();
      const auto* w = reinterpret_cast<const typename Element::Type*>(static_cast<const std::uint8_t*>(tiles.elements) +
                                                                      tile * tiles.tile_bytes);
      accumulate_floats<Element, n, false>(w, rows.x + row * rows.stride, rows.stride, rows.columns, total);
      float* to = out + row * stride + tile * kLanes;
      for (std::size_t i = 0; i < n; ++i, to += stride) store(to, accumulate ? add(load(to), total[i]) : total[i]);
    }
  });
}

inline void dot_rows_i8(const float* x, std::size_t stride, std::size_t rows, std::size_t columns, const std::int8_t* y,
                        float unit, float* out) {
  const auto factors = [&](std::size_t k) { return load_i8(reinterpret_cast<const std::uint8_t*>(y + k)); };
  std::size_t n = 0;
  for (; n + kLanes <= rows; n += kLanes, x += kLanes * stride) {
    F32x16 total[kLanes];
    for (F32x16& t : total) t = zero();
    for (std::size_t k = 0; k < columns; k += kLanes) {
      const F32x16 factor = factors(k);
#pragma GCC unroll 16
      for (std::size_t r = 0; r < kLanes; ++r) total[r] = fma(load(x + r * stride + k), factor, total[r]);
    }
    store(out + n, mul(reduce_all<Sum>(total), set1(unit)));
  }
  for (; n < rows; ++n, x += stride) {
    F32x16 total = zero();
    for (std::size_t k = 0; k < columns; k += kLanes) total = fma(load(x + k), factors(k), total);
    out[n] = reduce_add(total) * unit;
  }
}

}  // namespace pith::kernels::PITH_ISA
