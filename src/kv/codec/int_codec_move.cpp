#include <bit>
#include <cstring>

#include "kv/codec/int_codec.h"
#include "kv/codec/trellis.h"

// Copying tokens between pages of integer codes, as they are stored. Most pages of a head have the same scale unit, so
// a token's codes and its scale code mean the same in all of them. The mean of a page of keys moves along with its
// tokens, as their origin.

namespace pith::kv {
namespace {

using kernels::kLanes;

/// How many lines of 64 codes share one step of the tile, the step's bytes, and the bits per code in its first 64
/// bytes.
struct Step {
  std::size_t lines, bytes;
  unsigned bits;

  explicit Step(int code_bits)
      : lines(code_bits == 8   ? 1
              : code_bits == 4 ? 2
                               : 4),
        bytes(code_bits == 3 ? 96 : 64),
        bits(code_bits == 3 ? 2U : static_cast<unsigned>(code_bits)) {}
  unsigned mask() const { return (1U << bits) - 1U; }
};

/// Location of the state bit of a 3-bit code, after the first 64 bytes of its step.
struct StateBit {
  std::size_t byte;
  unsigned shift;

  StateBit(std::size_t line, std::size_t i)
      : byte(kLineBytes + i % 32), shift(static_cast<unsigned>(line + i / 32 * 4)) {}
};

/// Location of a code: tile, line of the tile, byte of the line.
struct Place {
  std::size_t tile, line, byte;

  Place(bool keys, std::size_t token, std::size_t element) {
    const std::size_t row = keys ? token : element;
    const std::size_t column = keys ? element : token;
    tile = row / kLanes;
    line = column / 4;
    byte = row % kLanes * 4 + column % 4;
  }
};

/// View of an origin: the mean's codes, then their unit.
struct Mean {
  const std::int8_t* codes;
  float unit = 0.0F;

  explicit Mean(const Origin& origin) : codes(reinterpret_cast<const std::int8_t*>(origin.bytes.data())) {
    std::memcpy(&unit, origin.bytes.data() + origin.bytes.size() - sizeof unit, sizeof unit);
  }
};

}  // namespace

std::uint8_t IntCodec::code_at(const std::byte* page, std::size_t token, std::size_t element) const {
  const Place at(keys(), token, element);
  const Step step(bits_);
  const std::byte* bytes = page + at.tile * tile_bytes() + at.line / step.lines * step.bytes;
  const auto line = static_cast<unsigned>(at.line % step.lines);
  unsigned code = std::to_integer<unsigned>(bytes[at.byte]) >> (line * step.bits) & step.mask();
  if (bits_ == 3) {
    const StateBit state(line, at.byte);
    code |= (std::to_integer<unsigned>(bytes[state.byte]) >> state.shift & 1U) << 2U;
  }
  return static_cast<std::uint8_t>(code);
}

void IntCodec::set_code(std::byte* page, std::size_t token, std::size_t element, std::uint8_t code) const {
  const Place at(keys(), token, element);
  const Step step(bits_);
  std::byte* bytes = page + at.tile * tile_bytes() + at.line / step.lines * step.bytes;
  const auto line = static_cast<unsigned>(at.line % step.lines);
  bytes[at.byte] |= static_cast<std::byte>((code & step.mask()) << (line * step.bits));
  if (bits_ == 3) {
    const StateBit state(line, at.byte);
    bytes[state.byte] |= static_cast<std::byte>(static_cast<unsigned>(code >> 2U) << state.shift);
  }
}

std::vector<std::byte> IntCodec::grid(const std::byte* page) const {
  return {page + layout_.scale_unit, page + layout_.end};
}

std::vector<std::byte> IntCodec::origin(const std::byte* page) const {
  return {page + layout_.mean, page + layout_.scale_unit};
}

void IntCodec::begin_page(std::span<const std::byte> grid, std::byte* page) const {
  std::memset(page, 0, layout_.scale_unit);
  std::memcpy(page + layout_.scale_unit, grid.data(), grid.size());
}

void IntCodec::copy_token(const std::byte* source, std::size_t from, std::byte* target, std::size_t to) const {
  for (std::size_t i = 0; i < shape().size; ++i) set_code(target, to, i, code_at(source, from, i));
  target[layout_.scales + to] = source[layout_.scales + from];
}

void IntCodec::add_origins(const Queries& queries, std::span<const Origin> origins, float* scores) const {
  std::vector<float> add(queries.rows);
  for (const Origin& origin : origins) {
    const Mean mean(origin);
    kernels_->dot_rows_i8(queries.values, queries.size, queries.rows, queries.size, mean.codes, mean.unit, add.data());
    for (std::size_t r = 0; r < queries.rows; ++r) {
      for (TokenMask left = origin.tokens; left != 0; left &= left - 1)
        scores[r * kPageTokens + static_cast<std::size_t>(std::countr_zero(left))] += add[r];
    }
  }
}

void IntCodec::add_origins(std::span<const Origin> origins, std::span<float> rows) const {
  const std::size_t size = shape().size;
  for (const Origin& origin : origins) {
    const Mean mean(origin);
    for (TokenMask left = origin.tokens; left != 0; left &= left - 1) {
      float* row = &rows[static_cast<std::size_t>(std::countr_zero(left)) * size];
      for (std::size_t i = 0; i < size; ++i) row[i] += mean.unit * static_cast<float>(mean.codes[i]);
    }
  }
}

}  // namespace pith::kv
