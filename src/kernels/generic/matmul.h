#pragma once

// Products of one weight panel (16 rows, docs/formats/packed_weights.md) with activation rows. Include a simd.h first.
// Each output is summed over the columns in the same order for any number of rows, so results do not depend on the
// batch.
#include "kernels/generic/formats.h"
#include "kernels/types.h"

namespace pith::kernels::PITH_ISA {

/// Calls step.operator()<i>() for i in [begin, end).
template <std::size_t begin, std::size_t end, typename Step>
inline void for_constants(const Step& step) {
  if constexpr (begin < end) {
    step.template operator()<begin>();
    for_constants<begin + 1, end>(step);
  }
}

/// The part of the zero point that dot4 has not subtracted already (kCodeOffset).
template <typename Format>
inline constexpr std::int32_t kZeroLeft = zero_point(Format::kZeroTerm) - (Format::kSmallCodes ? 0 : kCodeOffset);

/// Adds the products of one half of a group's code vectors (all of them if the format has no halves) with `rows` rows
/// of activation codes. Rows are the inner loop, because their sums do not depend on each other.
template <typename Format, std::size_t half, std::size_t rows>
inline void dot_rows(const std::uint8_t* group, const std::int8_t* codes, I32x16 (&sum)[rows]) {
  constexpr std::size_t kPairs = 4 / Format::kHalves;
  for_constants<half * kPairs, (half + 1) * kPairs>([&]<std::size_t pair>() {
    const CodePair w = Format::template codes<pair>(group);
#pragma GCC unroll 16
    for (std::size_t n = 0; n < rows; ++n) {
      sum[n] = dot4<Format::kSmallCodes>(sum[n], w.even, codes + n * kGroup + 8 * pair);
    }
#pragma GCC unroll 16
    for (std::size_t n = 0; n < rows; ++n) {
      sum[n] = dot4<Format::kSmallCodes>(sum[n], w.odd, codes + n * kGroup + 8 * pair + 4);
    }
  });
}

/// Up to this many activation rows, weights are multiplied faster than memory delivers them.
inline constexpr std::size_t kMemoryBoundRows = 4;

/// How far ahead weights are prefetched, in bytes. The hardware prefetcher alone leaves half of the memory bandwidth
/// unused. A multiple of 4096 would collide in the cache with what two panels read at the same time.
inline constexpr std::size_t kPrefetchBytes = 3072;

/// Prefetches the `bytes` bytes that begin `ahead` bytes after p.
template <std::size_t bytes>
inline void prefetch_ahead(const std::uint8_t* p, std::size_t ahead = kPrefetchBytes) {
  constexpr std::size_t kLine = 64;
#pragma GCC unroll 16
  for (std::size_t i = 0; i < (bytes + kLine - 1) / kLine; ++i) __builtin_prefetch(p + ahead + i * kLine, 0, 3);
}

/// Multiplies rows [first, first + rows) of a block of int8 activations with `panels` quantized panels, without the
/// residual planes. Panels are adjacent, and so are their 16 outputs in a row of `out`. Cost per row, group and panel:
/// 8 dot4, 1 conversion, 1 multiplication, 1 fma, and 1 more fma if the format has mins.
template <typename Format, std::size_t rows, std::size_t panels>
void matmul_codes(const std::uint8_t* panel, std::size_t panel_bytes, const Activations& block, std::size_t first,
                  float* out, std::size_t stride) {
  constexpr std::size_t kHalves = Format::kHalves;
  constexpr bool kHasMin = Format::kZeroTerm == ZeroTerm::kNone;
  constexpr bool kHasZeroTerm = kZeroLeft<Format> != 0;
  static_assert(!kHasZeroTerm || kZeroLeft<Format> == zero_point(Format::kZeroTerm), "terms are of whole zero points");
  const std::size_t groups = block.columns / kGroup;
  const std::int8_t* codes = block.codes + first * kGroup;
  const float* scales = block.scales + first;
  const float* sums = (kHalves == 1 ? block.sums : block.half_sums) + first;
  const std::int32_t* zero_terms =
      kHasZeroTerm ? block.zero_terms[static_cast<std::size_t>(Format::kZeroTerm)] + first : nullptr;
  // Near their ends, panels prefetch past the last one, because the panel after each is being read already.
  const std::uint8_t* const leap = panel + panel_bytes - (panel_bytes < kPrefetchBytes ? panel_bytes : kPrefetchBytes);
  F32x16 total[panels][rows];
  for (std::size_t p = 0; p < panels; ++p) {
    for (std::size_t n = 0; n < rows; ++n) total[p][n] = zero();
  }
  for (std::size_t group = 0; group < groups; group += Format::kGroups) {
    typename Format::Header header[panels];
    for (std::size_t p = 0; p < panels; ++p) header[p] = Format::header(panel + p * panel_bytes);
    panel += Format::kHeaderBytes;
    for (std::size_t g = 0; g < Format::kGroups; ++g) {
      const std::size_t ahead = kPrefetchBytes + (panels > 1 && panel >= leap ? (panels - 1) * panel_bytes : 0);
      F32x16 scale[panels][kHalves];
      F32x16 min[panels][kHalves];
      for (std::size_t p = 0; p < panels; ++p) {
        if constexpr (rows <= kMemoryBoundRows) prefetch_ahead<Format::kGroupBytes>(panel + p * panel_bytes, ahead);
        Format::scales(header[p], panel + p * panel_bytes, scale[p], min[p]);
      }
      for_constants<0, kHalves>([&]<std::size_t half>() {
        for (std::size_t p = 0; p < panels; ++p) {
          I32x16 sum[rows];
          for (std::size_t n = 0; n < rows; ++n) {
            sum[n] = kHasZeroTerm ? set1_i32(zero_terms[half * kBlockRows + n]) : zero_i32();
          }
          dot_rows<Format, half>(panel + p * panel_bytes, codes, sum);
#pragma GCC unroll 16
          for (std::size_t n = 0; n < rows; ++n) {
            total[p][n] = fma(to_f32(sum[n]), mul(scale[p][half], set1(scales[n])), total[p][n]);
            if constexpr (kHasMin) total[p][n] = fma(min[p][half], set1(sums[half * kBlockRows + n]), total[p][n]);
          }
        }
      });
      panel += Format::kGroupBytes;
      codes += kBlockRows * kGroup;
      scales += kBlockRows;
      sums += kHalves * kBlockRows;
      zero_terms += kHasZeroTerm ? kHalves * kBlockRows : 0;
    }
  }
  for (std::size_t n = 0; n < rows; ++n) {
    for (std::size_t p = 0; p < panels; ++p) store(out + (first + n) * stride + p * kLanes, total[p][n]);
  }
}

/// Adds the residual planes of a tile's rows. A group of weights is unpacked once for all rows that need it.
template <typename Format>
void add_residual_planes(const std::uint8_t* panel, const ResidualPlanes& residual, std::size_t groups, float* out,
                         std::size_t stride) {
  // Several rows at once, because their sums do not depend on each other. Sums of slots beyond `count` are discarded.
  constexpr std::size_t kAtOnce = 4;
  static_assert(kTileRows % kAtOnce == 0);
  constexpr std::size_t kHalves = Format::kHalves;
  constexpr std::size_t kBlockBytes = Format::kHeaderBytes + Format::kGroups * Format::kGroupBytes;
  constexpr std::int32_t kZero = kZeroLeft<Format>;
  for (std::size_t group = 0; group < groups; ++group) {
    const std::size_t count = residual.counts[group];
    if (count == 0) continue;
    const std::uint8_t* bytes = panel + group / Format::kGroups * kBlockBytes;
    const typename Format::Header header = Format::header(bytes);
    bytes += Format::kHeaderBytes + group % Format::kGroups * Format::kGroupBytes;
    F32x16 scale[kHalves];
    F32x16 min[kHalves];
    Format::scales(header, bytes, scale, min);
    for (std::size_t slot = 0; slot < count; slot += kAtOnce) {
      const std::size_t at = group * kTileRows + slot;
      const std::int32_t* code_sums = residual.sums + 2 * group * kTileRows + slot;
      I32x16 sum[kHalves][kAtOnce];
      for_constants<0, kHalves>([&]<std::size_t half>() {
        for (std::size_t i = 0; i < kAtOnce; ++i) {
          const std::int32_t in_half =
              kHalves == 2 ? code_sums[half * kTileRows + i] : code_sums[i] + code_sums[kTileRows + i];
          sum[half][i] = kZero == 0 ? zero_i32() : set1_i32(-kZero * in_half);
        }
        dot_rows<Format, half>(bytes, residual.codes + at * kGroup, sum[half]);
      });
      for (std::size_t i = 0; i < kAtOnce && slot + i < count; ++i) {
        float* row = out + residual.rows[at + i] * stride;
        F32x16 total = load(row);
        for (std::size_t half = 0; half < kHalves; ++half) {
          total = fma(to_f32(sum[half][i]), mul(scale[half], set1(residual.scales[at + i])), total);
        }
        store(row, total);
      }
    }
  }
}

struct ElementF32 {
  using Type = float;
  static F32x16 get(const Type* p) { return load(p); }
};
struct ElementF16 {
  using Type = std::uint16_t;
  static F32x16 get(const Type* p) { return load_f16(p); }
};
struct ElementBF16 {
  using Type = std::uint16_t;
  static F32x16 get(const Type* p) { return load_bf16(p); }
};

/// Multiplies float rows, `x_stride` apart, with a panel [columns][16 lanes] of float elements. from_memory: the panel
/// is not expected in a cache, so it is prefetched.
template <typename Element, std::size_t rows, bool from_memory>
inline void accumulate_floats(const typename Element::Type* w, const float* x, std::size_t x_stride,
                              std::size_t columns, F32x16 (&total)[rows]) {
  for (std::size_t k = 0; k < columns; ++k) {
    if constexpr (from_memory && rows <= kMemoryBoundRows) {
      prefetch_ahead<kLanes * sizeof *w>(reinterpret_cast<const std::uint8_t*>(w + k * kLanes));
    }
    const F32x16 weight = Element::get(w + k * kLanes);
#pragma GCC unroll 16
    for (std::size_t n = 0; n < rows; ++n) {
      total[n] = fma(weight, set1(x[n * x_stride + k]), total[n]);
    }
  }
}

template <typename Element, std::size_t rows>
void matmul_floats(const std::uint8_t* panel, const Activations& x, std::size_t row, float* out, std::size_t stride) {
  F32x16 total[rows];
  for (std::size_t n = 0; n < rows; ++n) total[n] = zero();
  accumulate_floats<Element, rows, true>(reinterpret_cast<const typename Element::Type*>(panel),
                                         x.values + row * x.stride, x.stride, x.columns, total);
  for (std::size_t n = 0; n < rows; ++n) store(out + (row + n) * stride, total[n]);
}

/// Calls block.operator()<n>(row) for blocks of rows_max rows, then of half as many (rounded up), and so on down to
/// four, then once for the up to three rows left. That keeps the number of sizes to compile small, and the few rows of
/// a decode step unpack the weights only once.
template <std::size_t rows_max, typename Block>
inline void for_row_blocks(std::size_t rows, const Block& block, std::size_t row = 0) {
  for (; rows - row >= rows_max; row += rows_max) block.template operator()<rows_max>(row);
  if constexpr (rows_max > 4) {
    for_row_blocks<(rows_max + 1) / 2>(rows, block, row);
  } else if constexpr (rows_max > 1) {
    for_row_blocks<rows_max - 1>(rows, block, row);
  }
}

template <typename Format>
inline void matmul_block(const std::uint8_t* panel, const Activations& block, std::size_t rows, float* out,
                         std::size_t stride) {
  for_row_blocks<kRowsMax>(
      rows, [&]<std::size_t n>(std::size_t row) { matmul_codes<Format, n, 1>(panel, 0, block, row, out, stride); });
}

template <typename Format>
void matmul_codes_all(const std::uint8_t* panel, const Activations& x, float* out, std::size_t stride) {
  const std::size_t groups = x.columns / kGroup;
  if (x.rows <= kBlockRows) {
    // A decode step has one block. With one call per panel, even copying the view would take measurable time.
    matmul_block<Format>(panel, x, x.rows, out, stride);
    add_residual_planes<Format>(panel, x.residual, groups, out, stride);
    return;
  }
  Activations tile = x;
  for (std::size_t left = x.rows; left != 0; left -= tile.rows) {
    tile.rows = left < kTileRows ? left : kTileRows;
    Activations block = tile;
    for (std::size_t first = 0; first < tile.rows; first += kBlockRows) {
      const std::size_t rest = tile.rows - first;
      matmul_block<Format>(panel, block, rest < kBlockRows ? rest : kBlockRows, out + first * stride, stride);
      skip_blocks(block, 1, groups);
    }
    add_residual_planes<Format>(panel, tile.residual, groups, out, stride);
    skip_tiles(tile, 1, groups);
    out += tile.rows * stride;
  }
}

/// Two streams arrive faster from memory than one, and they share the work on the activations.
template <typename Format>
void matvec_codes(const std::uint8_t* panels, std::size_t panel_bytes, const Activations& x, float* out) {
  matmul_codes<Format, 1, 2>(panels, panel_bytes, x, 0, out, 0);
  const std::size_t groups = x.columns / kGroup;
  add_residual_planes<Format>(panels, x.residual, groups, out, 0);
  add_residual_planes<Format>(panels + panel_bytes, x.residual, groups, out + kLanes, 0);
}

template <typename Element>
void matvec_floats(const std::uint8_t* panels, std::size_t panel_bytes, const Activations& x, float* out) {
  matmul_floats<Element, 1>(panels, x, 0, out, 0);
  matmul_floats<Element, 1>(panels + panel_bytes, x, 0, out + kLanes, 0);
}

template <typename Element>
void matmul_floats_all(const std::uint8_t* panel, const Activations& x, float* out, std::size_t stride) {
  for_row_blocks<kFloatRowsMax>(
      x.rows, [&]<std::size_t rows>(std::size_t row) { matmul_floats<Element, rows>(panel, x, row, out, stride); });
}

}  // namespace pith::kernels::PITH_ISA
