#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/types.h"

namespace pith::kv {

/// Codes of a tile as they are made: [lines][64] bytes, byte 4 * lane + i of line j for column 4 j + i of a lane.
inline constexpr std::size_t kLineBytes = 64;

/// A two-state trellis for N(0, 1) at 4, 3 or 2 bits (trellis-coded quantization, Marcellin and Fischer 1990): 2^bits
/// levels for each state before; the top bit of a code is the next state. Trained by Lloyd's iteration on sequences of
/// 16; mean squared error .0075, .0284, .105, where the best table without states has .0095, .0345, .1175.
struct Trellis {
  int bits;
  /// Level / unit is in standard deviations.
  float unit;
  /// Levels as kernels encode with them: signed, [state before][next state][member].
  std::array<float, 4 * kernels::kTrellisMembers> levels;
  /// The same by state before * 2^bits + code.
  std::array<float, 32> values;
  /// Levels as the dot kernel of these bits looks them up: 128 is zero.
  std::array<std::uint8_t, 32> lookup;

  std::size_t members() const { return std::size_t{1} << (bits - 1); }
  /// Bytes of a tile of `lines` lines.
  std::size_t tile_bytes(std::size_t lines) const { return lines * kLineBytes * static_cast<std::size_t>(bits) / 8; }
  /// codes [lines][64] as the dot kernel reads them; lines is a multiple of 4.
  void pack(const std::uint8_t* codes, std::size_t lines, std::uint8_t* tile) const;
  void unpack(const std::uint8_t* tile, std::size_t lines, std::uint8_t* codes) const;
  /// The levels of codes, in units, as columns of 16 lanes, `stride` apart.
  void decode(const std::uint8_t* codes, std::size_t lines, float* columns, std::size_t stride) const;
};

/// bits is 4, 3 or 2.
const Trellis& trellis(int bits);

/// The same form with levels that do not depend on the state before, Lloyd and Max's for N(0, 1): for codes that must
/// mean the same wherever they are moved.
const Trellis& stateless(int bits);

}  // namespace pith::kv
