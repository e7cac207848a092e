#include "weights/level_codes.h"

#include <bit>
#include <cstring>

#include "weights/dequantize_blocks.h"
#include "weights/grids.h"

// Layouts are given in bytes. Vectors are numbered along the columns, and so are the bits of a byte of signs, the
// lowest first. A 4-bit scale s stands for 2s + 1, as does one of 3 bits.
namespace pith::weights {
namespace {

std::uint32_t read_u32(const std::uint8_t* bytes) {
  std::uint32_t value = 0;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

constexpr std::uint8_t odd_scale(unsigned scale) { return static_cast<std::uint8_t>(2 * scale + 1); }

/// Sets the scales from nibbles, the low one first, each of which serves `halves` half groups of 16 columns.
void put_scales(const std::uint8_t* nibbles, std::size_t halves, LevelCodes& to) {
  for (std::size_t h = 0; h < 16; ++h) {
    const std::size_t i = h / halves;
    to.scales[h] = odd_scale(field(nibbles[i / 2], 4 * (i % 2), 4));
  }
}

/// Completes 7 signs by an eighth that makes the number of negative ones even.
constexpr unsigned eight_signs(std::uint32_t bits) {
  const std::uint32_t seven = bits & 127U;
  return seven | (static_cast<unsigned>(std::popcount(seven)) & 1U) << 7;
}

/// Writes the codes of a vector of 8 whose elements are 2 bits wide. A code's third bit is its bit of `thirds`.
void put_vector(unsigned vector, unsigned thirds, std::uint8_t* codes) {
  for (unsigned i = 0; i < 8; ++i) {
    codes[i] = static_cast<std::uint8_t>((vector >> (2 * i) & 3U) | (thirds >> i & 1U) << 2);
  }
}

/// Writes the codes of two vectors of 4 whose elements are 3 bits wide. A code's fourth bit is its sign.
void put_vectors(unsigned first, unsigned second, unsigned signs, std::uint8_t* codes) {
  const unsigned both = first | second << 12;
  for (unsigned i = 0; i < 8; ++i) {
    codes[i] = static_cast<std::uint8_t>((both >> (3 * i) & 7U) | (signs >> i & 1U) << 3);
  }
}

/// The third bits of a vector of IQ1, whose elements are all shifted by an eighth one way.
constexpr unsigned thirds_iq1(bool down) { return down ? 255U : 0U; }

}  // namespace

/// d, 32 bytes with the low 8 bits of indices, then a word per group of 32: the high 3 bits of 4 indices, a 3-bit scale
/// and whether levels are shifted down.
LevelCodes read_iq1_s(const std::uint8_t* block) {
  LevelCodes to;
  to.d = read_u16(block);
  for (std::size_t g = 0; g < 8; ++g) {
    const unsigned word = read_u16(block + 34 + 2 * g);
    to.scales[2 * g] = to.scales[2 * g + 1] = odd_scale(word >> 12 & 7U);
    for (std::size_t i = 0; i < 4; ++i) {
      const std::size_t v = 4 * g + i;
      const unsigned index = block[2 + v] | (word >> (3 * i) & 7U) << 8;
      put_vector(kGridIQ1_S[index], thirds_iq1((word & 0x8000U) != 0), &to.codes[8 * v]);
    }
  }
  return to;
}

std::uint16_t scale_iq1_m(const std::uint8_t* block) {
  unsigned d = 0;
  for (std::size_t i = 0; i < 4; ++i) d |= field(block[49 + 2 * i], 4, 4) << (4 * i);
  return static_cast<std::uint16_t>(d);
}

/// 32 bytes with the low 8 bits of indices; a nibble per vector with the high 3 bits and whether levels are shifted
/// down; 4 words with four 3-bit scales of 16 columns and a nibble of d each.
LevelCodes read_iq1_m(const std::uint8_t* block) {
  LevelCodes to;
  to.d = scale_iq1_m(block);
  for (std::size_t h = 0; h < 16; ++h) {
    to.scales[h] = odd_scale(static_cast<unsigned>(read_u16(block + 48 + h / 4 * 2)) >> (3 * (h % 4)) & 7U);
  }
  for (std::size_t v = 0; v < 32; ++v) {
    const unsigned high = field(block[32 + v / 2], 4 * (v % 2), 4);
    put_vector(kGridIQ1_S[block[v] | (high & 7U) << 8], thirds_iq1((high & 8U) != 0), &to.codes[8 * v]);
  }
  return to;
}

/// d, then 8 bytes per group of 32: 4 indices, and a word with 7 signs of each vector and a 4-bit scale.
LevelCodes read_iq2_xxs(const std::uint8_t* block) {
  LevelCodes to;
  to.d = read_u16(block);
  for (std::size_t g = 0; g < 8; ++g) {
    const std::uint8_t* group = block + 2 + 8 * g;
    const std::uint32_t word = read_u32(group + 4);
    to.scales[2 * g] = to.scales[2 * g + 1] = odd_scale(word >> 28);
    for (std::size_t i = 0; i < 4; ++i) {
      put_vector(kGridIQ2_XXS[group[i]], eight_signs(word >> (7 * i)), &to.codes[32 * g + 8 * i]);
    }
  }
  return to;
}

/// d, a word per vector with a 9-bit index and 7 signs, and 8 bytes of 4-bit scales of 16 columns.
LevelCodes read_iq2_xs(const std::uint8_t* block) {
  LevelCodes to;
  to.d = read_u16(block);
  put_scales(block + 66, 1, to);
  for (std::size_t v = 0; v < 32; ++v) {
    const unsigned word = read_u16(block + 2 + 2 * v);
    put_vector(kGridIQ2_XS[word & 511U], eight_signs(word >> 9), &to.codes[8 * v]);
  }
  return to;
}

/// d, 32 bytes with the low 8 bits of indices, 32 of signs, 8 with the high 2 bits of indices, and 8 bytes of 4-bit
/// scales of 16 columns.
LevelCodes read_iq2_s(const std::uint8_t* block) {
  LevelCodes to;
  to.d = read_u16(block);
  put_scales(block + 74, 1, to);
  for (std::size_t v = 0; v < 32; ++v) {
    const unsigned index = block[2 + v] | field(block[66 + v / 4], 2 * (v % 4), 2) << 8;
    put_vector(kGridIQ2_S[index], block[34 + v], &to.codes[8 * v]);
  }
  return to;
}

/// d, 64 bytes of indices, then a word per group of 32 with 7 signs of each 8 columns and a 4-bit scale.
LevelCodes read_iq3_xxs(const std::uint8_t* block) {
  LevelCodes to;
  to.d = read_u16(block);
  for (std::size_t g = 0; g < 8; ++g) {
    const std::uint32_t word = read_u32(block + 66 + 4 * g);
    to.scales[2 * g] = to.scales[2 * g + 1] = odd_scale(word >> 28);
    for (std::size_t i = 0; i < 4; ++i) {
      const std::uint8_t* indices = block + 2 + 8 * g + 2 * i;
      put_vectors(kGridIQ3_XXS[indices[0]], kGridIQ3_XXS[indices[1]], eight_signs(word >> (7 * i)),
                  &to.codes[32 * g + 8 * i]);
    }
  }
  return to;
}

/// d, 64 bytes with the low 8 bits of indices, 8 with their ninth bits, 32 of signs, and 4 bytes of 4-bit scales of 32
/// columns.
LevelCodes read_iq3_s(const std::uint8_t* block) {
  LevelCodes to;
  to.d = read_u16(block);
  put_scales(block + 106, 2, to);
  const auto vector = [&](std::size_t v) { return kGridIQ3_S[block[2 + v] | field(block[66 + v / 8], v % 8, 1) << 8]; };
  for (std::size_t i = 0; i < 32; ++i) put_vectors(vector(2 * i), vector(2 * i + 1), block[74 + i], &to.codes[8 * i]);
  return to;
}

namespace {

/// Writes the codes of `count` bytes of 5 (or fewer) digits each in base 3, digit by digit. A byte is the digits as a
/// fraction of 3^5, times 256, so that multiplying with a power of 3 moves a digit to the top.
std::uint8_t* put_trits(const std::uint8_t* bytes, std::size_t count, std::size_t digits, std::uint8_t* codes) {
  unsigned power = 1;
  for (std::size_t digit = 0; digit < digits; ++digit, power *= 3) {
    for (std::size_t i = 0; i < count; ++i) {
      *codes++ = static_cast<std::uint8_t>(3 * static_cast<std::uint8_t>(bytes[i] * power) >> 8);
    }
  }
  return codes;
}

}  // namespace

/// 32 bytes of 5 ternary digits, 16 more, 4 bytes of 4 digits, d.
LevelCodes read_tq1_0(const std::uint8_t* block) {
  LevelCodes to;
  to.d = read_u16(block + 52);
  to.scales.fill(1);
  std::uint8_t* codes = put_trits(block, 32, 5, to.codes.data());
  codes = put_trits(block + 32, 16, 5, codes);
  put_trits(block + 48, 4, 4, codes);
  return to;
}

/// 64 bytes of 2-bit codes, d. Byte j of each half holds weights j, j + 32, j + 64 and j + 96 of that half.
LevelCodes read_tq2_0(const std::uint8_t* block) {
  LevelCodes to;
  to.d = read_u16(block + 64);
  to.scales.fill(1);
  for (std::size_t c = 0; c < 256; ++c) {
    to.codes[c] = static_cast<std::uint8_t>(field(block[32 * (c / 128) + c % 32], 2 * (c / 32 % 4), 2));
  }
  return to;
}

}  // namespace pith::weights
