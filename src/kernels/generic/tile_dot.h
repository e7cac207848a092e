#pragma once

// Needs a simd.h included before. Dots of split or float rows with tiles of the KV cache (docs/formats/kv_page.md). A
// key tile holds 16 tokens in the lanes, a value tile 16 dims: scores and outputs come from the same two kernels.
#include "kernels/generic/activations.h"
#include "kernels/generic/matmul.h"
#include "kernels/types.h"

namespace pith::kernels::PITH_ISA {

/// Writes one tile's sums of rows, in order: the lanes' scales are read once for all of them.
class TileWriter {
 public:
  TileWriter(const TileOutput& to, std::size_t tile)
      : to_(to),
        out_(to.out + tile * kLanes),
        scales_(to.lane_scales.codes != nullptr ? load_scales(to.lane_scales, tile * kLanes) : set1(1.0F)) {}

  void put(std::size_t row, F32x16 value) const {
    float* out = out_ + row * to_.stride;
    const F32x16 before = to_.accumulate ? load(out) : to_.row_add != nullptr ? set1(to_.row_add[row]) : zero();
    store(out, fma(value, scales_, before));
  }

 private:
  const TileOutput& to_;
  float* out_;
  F32x16 scales_;
};

// Readers of a tile's codes, kBytes a step for kVectors lines of 4 columns and 16 lanes. Trellis codes of b bits have
// the next state on top; the level depends on it, the state before and the b - 1 bits below.

/// One byte a code.
struct Codes8 {
  static constexpr std::size_t kVectors = 1;
  static constexpr std::size_t kBytes = 64;
  void begin(const std::uint8_t*) {}
  void get(const std::uint8_t* step, U8x64 (&w)[1]) { w[0] = load_bytes(step); }
};

/// Two codes a byte, the first line in the low nibbles. Levels: [code][state before].
struct Trellis4 {
  static constexpr std::size_t kVectors = 2;
  static constexpr std::size_t kBytes = 64;
  Levels32 levels;
  U8x64 before;
  void begin(const std::uint8_t* table) {
    levels = load_levels32(table);
    before = zero_bytes();
  }
  void get(const std::uint8_t* step, U8x64 (&w)[2]) {
    const U8x64 bytes = load_bytes(step);
    w[0] = lookup(levels, join(field_at<0, 0x0F, 1>(bytes), field<7, 1>(before)));
    w[1] = lookup(levels, field<3, 0x1F>(bytes));
    before = bytes;
  }
};

/// Four lines: the two low bits of each in a byte, then the states, four lines in a nibble. Levels: [next state][state
/// before][low bits].
struct Trellis3 {
  static constexpr std::size_t kVectors = 4;
  static constexpr std::size_t kBytes = 96;
  U8x64 levels;
  U8x64 before;
  void begin(const std::uint8_t* table) {
    levels = load_levels(table);
    before = zero_bytes();
  }
  void get(const std::uint8_t* step, U8x64 (&w)[4]) {
    const U8x64 low = load_bytes(step);
    const U8x64 states = load_nibbles(step + 64);
    const U8x64 both = join(field_at<0, 0x0F, 3>(states), field_at<3, 1, 2>(before));
    w[0] = lookup(levels, join(field<0, 3>(low), field_at<2, 3, 2>(both)));
    w[1] = lookup(levels, join(field<2, 3>(low), field_at<3, 3, 2>(both)));
    w[2] = lookup(levels, join(field<4, 3>(low), field_at<4, 3, 2>(both)));
    w[3] = lookup(levels, join(field<6, 3>(low), field_at<5, 3, 2>(both)));
    before = states;
  }
};

/// Four codes a byte, the first line lowest. Levels: [code][state before], 8 of 16.
struct Trellis2 {
  static constexpr std::size_t kVectors = 4;
  static constexpr std::size_t kBytes = 64;
  U8x64 levels;
  U8x64 before;
  void begin(const std::uint8_t* table) {
    levels = load_levels(table);
    before = zero_bytes();
  }
  void get(const std::uint8_t* step, U8x64 (&w)[4]) {
    const U8x64 bytes = load_bytes(step);
    w[0] = lookup(levels, join(field_at<0, 3, 1>(bytes), field<7, 1>(before)));
    w[1] = lookup(levels, field<1, 7>(bytes));
    w[2] = lookup(levels, field<3, 7>(bytes));
    w[3] = lookup(levels, field<5, 7>(bytes));
    before = bytes;
  }
};

/// Tiles [tile, tile + side_by_side) times rows [row, row + rows).
template <typename Codes, std::size_t rows, bool with_low, std::size_t side_by_side>
inline void dot_code_tiles(const std::uint8_t* bytes, std::size_t tile, const std::uint8_t* levels, const SplitRows& x,
                           std::size_t row, const TileOutput& to) {
  const std::size_t steps = x.columns / (4 * Codes::kVectors);
  const std::int8_t* high = x.high + row * x.columns;
  const std::int8_t* low = with_low ? x.low + row * x.columns : nullptr;
  I32x16 high_sum[side_by_side][rows];
  I32x16 low_sum[side_by_side][rows];
  // Codes are unsigned with 128 as zero: starting at -128 * sum(x) takes the offset out for free, and
  // what dot4 has taken off already is not taken off twice.
  for (std::size_t n = 0; n < rows; ++n) {
    for (std::size_t t = 0; t < side_by_side; ++t) {
      high_sum[t][n] = set1_i32((kCodeOffset - 128) * x.high_sums[row + n]);
      if constexpr (with_low) low_sum[t][n] = set1_i32((kCodeOffset - 128) * x.low_sums[row + n]);
    }
  }
  Codes codes[side_by_side];
  for (Codes& reader : codes) reader.begin(levels);
  for (std::size_t j = 0; j < steps; ++j) {
    U8x64 w[side_by_side][Codes::kVectors];
    for (std::size_t t = 0; t < side_by_side; ++t) codes[t].get(bytes + ((tile + t) * steps + j) * Codes::kBytes, w[t]);
    for (std::size_t v = 0; v < Codes::kVectors; ++v) {
      const std::size_t column = 4 * (j * Codes::kVectors + v);
#pragma GCC unroll 16
      for (std::size_t n = 0; n < rows; ++n) {
        const std::size_t at = n * x.columns + column;
        for (std::size_t t = 0; t < side_by_side; ++t) {
          high_sum[t][n] = dot4<false>(high_sum[t][n], w[t][v], high + at);
          if constexpr (with_low) low_sum[t][n] = dot4<false>(low_sum[t][n], w[t][v], low + at);
        }
      }
    }
  }
  for (std::size_t t = 0; t < side_by_side; ++t) {
    const TileWriter writer(to, tile + t);
    for (std::size_t n = 0; n < rows; ++n) {
      const F32x16 upper = mul(to_f32(high_sum[t][n]), set1(256.0F));
      const F32x16 sum = with_low ? add(upper, to_f32(low_sum[t][n])) : upper;
      writer.put(row + n, mul(sum, set1(x.scales[row + n])));
    }
  }
}

/// The few rows of a decode step leave registers for two tiles, and the processor waits for sums of only one.
template <typename Codes, std::size_t rows, bool with_low>
void dot_codes_block(const std::uint8_t* bytes, std::size_t tiles, const std::uint8_t* levels, const SplitRows& x,
                     std::size_t row, const TileOutput& to) {
  std::size_t tile = 0;
  if constexpr (2 * rows <= kDotRowsMax) {
    for (; tile + 2 <= tiles; tile += 2) dot_code_tiles<Codes, rows, with_low, 2>(bytes, tile, levels, x, row, to);
  }
  for (; tile < tiles; ++tile) dot_code_tiles<Codes, rows, with_low, 1>(bytes, tile, levels, x, row, to);
}

template <typename Codes>
void dot_codes(const std::uint8_t* codes, std::size_t tiles, const std::uint8_t* levels, const SplitRows& x,
               const TileOutput& to) {
  if (x.low != nullptr) {
    for_row_blocks<kDotRowsMax>(x.rows, [&]<std::size_t rows>(std::size_t row) {
      dot_codes_block<Codes, rows, true>(codes, tiles, levels, x, row, to);
    });
  } else {
    for_row_blocks<2 * kDotRowsMax>(x.rows, [&]<std::size_t rows>(std::size_t row) {
      dot_codes_block<Codes, rows, false>(codes, tiles, levels, x, row, to);
    });
  }
}

template <typename Element>
void dot_floats(const void* elements, std::size_t tiles, std::size_t tile_bytes, const float* x, std::size_t x_stride,
                std::size_t rows, std::size_t columns, const TileOutput& to) {
  for_row_blocks<kFloatRowsMax>(rows, [&]<std::size_t n>(std::size_t row) {
    for (std::size_t tile = 0; tile < tiles; ++tile) {
      F32x16 total[n];
      for (F32x16& t : total) t = zero();
      const auto* w = reinterpret_cast<const typename Element::Type*>(static_cast<const std::uint8_t*>(elements) +
                                                                      tile * tile_bytes);
      accumulate_floats<Element, n>(w, x + row * x_stride, x_stride, columns, total);
      const TileWriter writer(to, tile);
      for (std::size_t i = 0; i < n; ++i) writer.put(row + i, total[i]);
    }
  });
}

void dot_rows_i8(const float* x, std::size_t stride, std::size_t rows, std::size_t columns, const std::int8_t* y,
                 float unit, float* out) {
  for (std::size_t n = 0; n < rows; ++n) {
    F32x16 total = zero();
    for (std::size_t k = 0; k < columns; k += kLanes) {
      total = fma(load(x + n * stride + k), load_i8(reinterpret_cast<const std::uint8_t*>(y + k)), total);
    }
    out[n] = unit * reduce_add(total);
  }
}

}  // namespace pith::kernels::PITH_ISA
