#pragma once

// Readers of a tile's codes. Include a simd.h first. A step reads kBytes bytes and yields kVectors lines, each of 4
// columns and 16 lanes. A trellis code of b bits has the next state in its top bit; its level depends on that state,
// the previous state and the b - 1 lower bits.
#include "kernels/types.h"

namespace pith::kernels::PITH_ISA {

/// One byte per code.
struct Codes8 {
  static constexpr std::size_t kVectors = 1;
  static constexpr std::size_t kBytes = 64;
  void begin(const std::uint8_t*) {}
  void get(const std::uint8_t* step, U8x64 (&w)[1]) { w[0] = load_bytes(step); }
};

/// Two codes per byte, the first line in the low nibbles. levels is [code][previous state].
struct Trellis4 {
  static constexpr std::size_t kVectors = 2;
  static constexpr std::size_t kBytes = 64;
  LevelTable<5> levels;
  U8x64 before;
  void begin(const std::uint8_t* table) {
    levels = load_table<5>(table);
    before = zero_bytes();
  }
  void get(const std::uint8_t* step, U8x64 (&w)[2]) {
    const U8x64 bytes = load_bytes(step);
    w[0] = lookup(levels, select_bits<1>(shift_right_bytes<7>(before), shift_left_bytes<1>(bytes)));
    w[1] = lookup(levels, shift_right_bytes<3>(bytes));
    before = bytes;
  }
};

/// Four lines per step: first the two low bits of each line's codes, four to a byte, then the states, four to a nibble.
/// levels is [next state][previous state][low bits].
struct Trellis3 {
  static constexpr std::size_t kVectors = 4;
  static constexpr std::size_t kBytes = 96;
  LevelTable<4> levels;
  U8x64 before;
  void begin(const std::uint8_t* table) {
    levels = load_table<4>(table);
    before = zero_bytes();
  }
  void get(const std::uint8_t* step, U8x64 (&w)[4]) {
    const U8x64 low = load_bytes(step);
    const U8x64 states = load_nibbles(step + 64);
    // Bit 2 is the previous state, bits 3 to 6 are the states of the four lines.
    const U8x64 all = select_bits<7>(shift_right_bytes<1>(before), shift_left_bytes<3>(states));
    w[0] = lookup(levels, select_bits<3>(low, all));
    w[1] = lookup(levels, select_bits<3>(shift_right_bytes<2>(low), shift_right_bytes<1>(all)));
    w[2] = lookup(levels, select_bits<3>(shift_right_bytes<4>(low), shift_right_bytes<2>(all)));
    w[3] = lookup(levels, select_bits<3>(shift_right_bytes<6>(low), shift_right_bytes<3>(all)));
    before = states;
  }
};

/// Four codes per byte, the first line in the lowest bits. levels is [code][previous state].
struct Trellis2 {
  static constexpr std::size_t kVectors = 4;
  static constexpr std::size_t kBytes = 64;
  LevelTable<3> levels;
  U8x64 before;
  void begin(const std::uint8_t* table) {
    levels = load_table<3>(table);
    before = zero_bytes();
  }
  void get(const std::uint8_t* step, U8x64 (&w)[4]) {
    const U8x64 bytes = load_bytes(step);
    w[0] = lookup(levels, select_bits<1>(shift_right_bytes<7>(before), shift_left_bytes<1>(bytes)));
    w[1] = lookup(levels, shift_right_bytes<1>(bytes));
    w[2] = lookup(levels, shift_right_bytes<3>(bytes));
    w[3] = lookup(levels, shift_right_bytes<5>(bytes));
    before = bytes;
  }
};

/// Returns a tile's levels [lines][64 bytes]: unpacked into `memory`, or in place if codes are levels already.
template <typename Codes>
inline const std::uint8_t* unpack_tile(const std::uint8_t* tile, std::size_t lines, const std::uint8_t* levels,
                                       std::uint8_t* memory) {
  Codes codes;
  codes.begin(levels);
  std::uint8_t* to = memory;
  for (std::size_t line = 0; line < lines; line += Codes::kVectors, tile += Codes::kBytes) {
    U8x64 w[Codes::kVectors];
    codes.get(tile, w);
    for (std::size_t v = 0; v < Codes::kVectors; ++v, to += 64) store_bytes(to, w[v]);
  }
  return memory;
}

template <>
inline const std::uint8_t* unpack_tile<Codes8>(const std::uint8_t* tile, std::size_t, const std::uint8_t*,
                                               std::uint8_t*) {
  return tile;
}

}  // namespace pith::kernels::PITH_ISA
