#pragma once

// Where the bits of a group's codes go (32 columns of 16 rows): see docs/formats/packed_weights.md. Column c belongs to
// code vector c / 4; within a 64-byte line the byte of (row, c) is 4 * row + c % 4.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace pith::weights {

inline constexpr std::size_t kLine = 64;
using GroupCodes = std::array<std::uint8_t, 32>;

constexpr std::size_t byte_in_line(std::size_t row, std::size_t column) { return 4 * row + column % 4; }

/// One byte a code: 8 lines.
struct BytePlane {
  static std::uint8_t* at(std::uint8_t* lines, std::size_t row, std::size_t c) {
    return lines + kLine * (c / 4) + byte_in_line(row, c);
  }
  static void put(std::uint8_t* lines, std::size_t row, std::size_t c, unsigned code) {
    *at(lines, row, c) = static_cast<std::uint8_t>(code);
  }
  static unsigned get(const std::uint8_t* lines, std::size_t row, std::size_t c) {
    return lines[kLine * (c / 4) + byte_in_line(row, c)];
  }
};

/// `bits` bits a code, 8 / bits code vectors a line: vector v lies in line v / per, at bit bits * (v % per).
template <unsigned bits>
struct BitPlane {
  static constexpr std::size_t kPerLine = 8 / bits;
  static constexpr unsigned kMask = (1U << bits) - 1U;
  static std::size_t offset(std::size_t row, std::size_t c) {
    return kLine * (c / 4 / kPerLine) + byte_in_line(row, c);
  }
  static unsigned shift(std::size_t c) { return bits * static_cast<unsigned>(c / 4 % kPerLine); }
  static void put(std::uint8_t* lines, std::size_t row, std::size_t c, unsigned code) {
    std::uint8_t& byte = lines[offset(row, c)];
    byte = static_cast<std::uint8_t>((byte & ~(kMask << shift(c))) | ((code & kMask) << shift(c)));
  }
  static unsigned get(const std::uint8_t* lines, std::size_t row, std::size_t c) {
    return (static_cast<unsigned>(lines[offset(row, c)]) >> shift(c)) & kMask;
  }
};
using Nibbles = BitPlane<4>;
using Pairs = BitPlane<2>;
using Bits = BitPlane<1>;

/// The 16 levels of IQ4_NL and IQ4_XS.
inline constexpr std::array<float, 16> kIq4Values = {-127, -104, -83, -65, -49, -35, -22, -10,
                                                     1,    13,   25,  38,  53,  69,  89,  113};

inline std::uint16_t load_u16(const std::uint8_t* p) {
  std::uint16_t value = 0;
  std::memcpy(&value, p, sizeof value);
  return value;
}

/// Copies an f16 of a GGUF block to lane `row` of a line of 16.
inline void put_half(const std::uint8_t* source, std::size_t row, std::uint8_t* lanes) {
  std::memcpy(lanes + 2 * row, source, 2);
}

}  // namespace pith::weights
