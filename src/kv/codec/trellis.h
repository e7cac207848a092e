#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/types.h"

namespace pith::kv {

/// Unpacked codes of a tile are [lines][64] bytes: byte 4 * lane + i of line j belongs to column 4 j + i of a lane.
inline constexpr std::size_t kLineBytes = 64;

/// A two-state trellis for N(0, 1) at 4, 3 or 2 bits (trellis-coded quantization, Marcellin and Fischer 1990): 2^bits
/// levels for each previous state; the top bit of a code is the next state. Trained by Lloyd's iteration on sequences
/// of 16; mean squared error 0.0075, 0.0284, 0.105, compared with 0.0095, 0.0345, 0.1175 for the best tables without
/// states.
struct Trellis {
  int bits;
  /// A level divided by the unit is in standard deviations.
  float unit;
  /// Levels for the encoding kernel: signed, [previous state][next state][member].
  std::array<float, 4 * kernels::kTrellisMembers> levels;
  /// The same levels, indexed by previous state * 2^bits + code.
  std::array<float, 32> values;
  /// Levels as the dot kernel for these bits looks them up: 128 means zero.
  std::array<std::uint8_t, 32> lookup;

  std::size_t members() const { return std::size_t{1} << (bits - 1); }
  /// Returns the bytes of a tile of `lines` lines.
  std::size_t tile_bytes(std::size_t lines) const { return lines * kLineBytes * static_cast<std::size_t>(bits) / 8; }
  /// Packs codes [lines][64] in the format of the dot kernel; `lines` is a multiple of 4.
  void pack(const std::uint8_t* codes, std::size_t lines, std::uint8_t* tile) const;
  void unpack(const std::uint8_t* tile, std::size_t lines, std::uint8_t* codes) const;
  /// Writes the levels of codes, in units, as columns of 16 lanes, `stride` apart.
  void decode(const std::uint8_t* codes, std::size_t lines, float* columns, std::size_t stride) const;
};

/// Returns the trellis for 4, 3 or 2 bits.
const Trellis& trellis(int bits);

/// Returns a trellis in the same format whose levels do not depend on the previous state (Lloyd-Max for N(0, 1)), for
/// codes that must keep their meaning wherever they are moved.
const Trellis& stateless(int bits);

}  // namespace pith::kv
