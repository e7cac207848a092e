#pragma once

// Where the bits of a group's codes go (32 columns of 16 rows); docs/formats/packed_weights.md has a drawing. Column c
// belongs to code vector c / 4; within a 64-byte line the byte of (row, c) is 4 * row + c % 4. A row's part of a code
// vector is thus four adjacent bytes, and packing moves four codes at once. Packed memory must be zero before codes are
// put there.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace pith::weights {

inline constexpr std::size_t kLine = 64;
using GroupCodes = std::array<std::uint8_t, 32>;

constexpr std::size_t byte_in_line(std::size_t row, std::size_t column) { return 4 * row + column % 4; }

/// The codes of four columns, one per byte.
using FourCodes = std::uint32_t;

inline FourCodes load_four(const std::uint8_t* p) {
  FourCodes value = 0;
  std::memcpy(&value, p, sizeof value);
  return value;
}

/// Repeats a byte four times.
constexpr FourCodes four(unsigned byte) { return 0x01010101U * byte; }

/// Extracts `bits` (1, 2 or 4) bits of each byte, starting at bit `from`.
constexpr FourCodes fields(FourCodes bytes, unsigned from, unsigned bits) {
  return (bytes >> from) & four((1U << bits) - 1U);
}

/// Spreads the four lowest bits over four bytes, the lowest bit to the first byte.
constexpr FourCodes spread_bits(unsigned bits) { return ((bits & 15U) * 0x00204081U) & four(1); }

/// One byte per code: 8 lines.
struct BytePlane {
  static void put(std::uint8_t* lines, std::size_t row, std::size_t vector, FourCodes codes) {
    std::memcpy(lines + kLine * vector + 4 * row, &codes, sizeof codes);
  }
  static unsigned get(const std::uint8_t* lines, std::size_t row, std::size_t c) {
    return lines[kLine * (c / 4) + byte_in_line(row, c)];
  }
};

/// `bits` bits per code, 8 / bits code vectors per line: vector v lies in line v / kPerLine, at bit bits * (v %
/// kPerLine).
template <unsigned bits>
struct BitPlane {
  static constexpr std::size_t kPerLine = 8 / bits;
  static constexpr unsigned kMask = (1U << bits) - 1U;
  static std::size_t offset(std::size_t row, std::size_t c) {
    return kLine * (c / 4 / kPerLine) + byte_in_line(row, c);
  }
  static unsigned shift(std::size_t c) { return bits * static_cast<unsigned>(c / 4 % kPerLine); }
  /// Puts a row's four codes of one code vector; they must be below 2^bits.
  static void put(std::uint8_t* lines, std::size_t row, std::size_t vector, FourCodes codes) {
    std::uint8_t* at = lines + kLine * (vector / kPerLine) + 4 * row;
    codes = load_four(at) | codes << (bits * static_cast<unsigned>(vector % kPerLine));
    std::memcpy(at, &codes, sizeof codes);
  }
  static unsigned get(const std::uint8_t* lines, std::size_t row, std::size_t c) {
    return (static_cast<unsigned>(lines[offset(row, c)]) >> shift(c)) & kMask;
  }
};
using Nibbles = BitPlane<4>;
using Pairs = BitPlane<2>;
using Bits = BitPlane<1>;

/// Puts the codes of 16 bytes whose low nibbles are columns 0 to 15 and whose high nibbles are columns 16 to 31.
inline void put_nibble_halves(const std::uint8_t* source, std::size_t row, std::uint8_t* lines) {
  for (std::size_t v = 0; v < 4; ++v) {
    const FourCodes bytes = load_four(source + 4 * v);
    Nibbles::put(lines, row, v, fields(bytes, 0, 4));
    Nibbles::put(lines, row, v + 4, fields(bytes, 4, 4));
  }
}

/// Puts `bits` bits, starting at bit `from`, of each of 32 bytes, one byte per column.
template <unsigned bits>
inline void put_fields(const std::uint8_t* source, unsigned from, std::size_t row, std::uint8_t* lines) {
  for (std::size_t v = 0; v < 8; ++v) {
    BitPlane<bits>::put(lines, row, v, fields(load_four(source + 4 * v), from, bits));
  }
}

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
