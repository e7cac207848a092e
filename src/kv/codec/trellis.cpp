#include "kv/codec/trellis.h"

namespace pith::kv {
namespace {

/// Levels by previous state, in ascending order; neighbouring levels lead to different next states.
template <std::size_t count>
using Sorted = std::array<std::array<std::uint8_t, count>, 2>;

constexpr Sorted<16> kLevels4 = {{{2, 42, 63, 77, 89, 99, 109, 119, 128, 137, 147, 158, 170, 184, 201, 230},
                                  {27, 54, 72, 86, 98, 108, 118, 127, 137, 146, 156, 166, 178, 193, 214, 255}}};
constexpr Sorted<8> kLevels3 = {{{5, 57, 85, 108, 130, 153, 180, 220}, {39, 77, 104, 127, 149, 172, 200, 255}}};
constexpr Sorted<4> kLevels2 = {{{7, 81, 136, 199}, {64, 125, 180, 255}}};

/// Lloyd-Max tables, in units that put the outermost levels at the limits of a byte.
constexpr std::array<std::uint8_t, 16> kFlat4 = {2,   33,  54,  70,  85,  98,  110, 122,
                                                 134, 146, 158, 171, 186, 202, 223, 254};
constexpr std::array<std::uint8_t, 8> kFlat3 = {1, 49, 83, 114, 142, 173, 207, 255};
constexpr std::array<std::uint8_t, 4> kFlat2 = {1, 90, 166, 255};

/// Returns the index of a level in the dot kernel's table.
constexpr std::size_t lookup_index(int bits, std::size_t before, std::size_t next, std::size_t member) {
  if (bits == 3) return next << 3U | before << 2U | member;
  return next << static_cast<unsigned>(bits) | member << 1U | before;
}

template <std::size_t count>
constexpr Trellis make_trellis(int bits, float unit, const Sorted<count>& sorted) {
  Trellis t{bits, unit, {}, {}, {}};
  for (std::size_t before = 0; before < 2; ++before) {
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t next = i % 2;
      const std::size_t member = i / 2;
      const std::uint8_t level = sorted[before][i];
      t.levels[(2 * before + next) * kernels::kTrellisMembers + member] = static_cast<float>(level) - 128.0F;
      t.values[before << static_cast<unsigned>(bits) | next << static_cast<unsigned>(bits - 1) | member] =
          static_cast<float>(level) - 128.0F;
      t.lookup[lookup_index(bits, before, next, member)] = level;
    }
  }
  return t;
}

constexpr Trellis kTrellis4 = make_trellis(4, 42.235F, kLevels4);
constexpr Trellis kTrellis3 = make_trellis(3, 51.063F, kLevels3);
constexpr Trellis kTrellis2 = make_trellis(2, 65.743F, kLevels2);
constexpr Trellis kStateless4 = make_trellis<16>(4, 46.0F, {kFlat4, kFlat4});
constexpr Trellis kStateless3 = make_trellis<8>(3, 59.0F, {kFlat3, kFlat3});
constexpr Trellis kStateless2 = make_trellis<4>(2, 84.0F, {kFlat2, kFlat2});

}  // namespace

const Trellis& trellis(int bits) { return bits == 4 ? kTrellis4 : bits == 3 ? kTrellis3 : kTrellis2; }

const Trellis& stateless(int bits) { return bits == 4 ? kStateless4 : bits == 3 ? kStateless3 : kStateless2; }

void Trellis::pack(const std::uint8_t* codes, std::size_t lines, std::uint8_t* tile) const {
  constexpr std::size_t n = kLineBytes;
  const auto put = [](std::uint8_t* to, unsigned byte) { *to = static_cast<std::uint8_t>(byte); };
  const std::size_t lines_a_step = bits == 4 ? 2 : 4;
  for (const std::uint8_t* c = codes; c != codes + lines * n; c += lines_a_step * n) {
    if (bits == 4) {
      for (std::size_t i = 0; i < n; ++i) put(tile + i, c[i] | unsigned{c[n + i]} << 4U);
    } else {
      for (std::size_t i = 0; i < n; ++i) {
        put(tile + i, (c[i] & 3U) | (c[n + i] & 3U) << 2U | (c[2 * n + i] & 3U) << 4U | (c[3 * n + i] & 3U) << 6U);
      }
    }
    tile += n;
    if (bits != 3) continue;
    const auto states = [&](std::size_t i) {
      return unsigned{c[i]} >> 2U | (c[n + i] & 4U) >> 1U | (c[2 * n + i] & 4U) | (c[3 * n + i] & 4U) << 1U;
    };
    for (std::size_t i = 0; i < n / 2; ++i) put(tile + i, states(i) | states(n / 2 + i) << 4U);
    tile += n / 2;
  }
}

void Trellis::unpack(const std::uint8_t* tile, std::size_t lines, std::uint8_t* codes) const {
  const unsigned low_mask = bits == 4 ? 15U : 3U;
  const std::size_t lines_a_step = bits == 4 ? 2 : 4;
  const std::size_t step_bytes = bits == 3 ? 96 : 64;
  for (std::size_t line = 0; line < lines; ++line) {
    const std::uint8_t* step = tile + line / lines_a_step * step_bytes;
    const std::size_t k = line % lines_a_step;
    for (std::size_t i = 0; i < kLineBytes; ++i) {
      unsigned code = static_cast<unsigned>(step[i]) >> (k * 8 / lines_a_step) & low_mask;
      if (bits == 3) code |= (static_cast<unsigned>(step[64 + i % 32]) >> (k + i / 32 * 4) & 1U) << 2U;
      codes[line * kLineBytes + i] = static_cast<std::uint8_t>(code);
    }
  }
}

void Trellis::decode(const std::uint8_t* codes, std::size_t lines, float* columns, std::size_t stride) const {
  std::array<std::uint8_t, kLineBytes> before{};
  std::array<std::uint8_t, kLineBytes> index;
  for (std::size_t j = 0; j < lines; ++j, codes += kLineBytes, columns += 4 * stride) {
    for (std::size_t i = 0; i < kLineBytes; ++i) {
      const unsigned next = unsigned{codes[i]} >> static_cast<unsigned>(bits - 1);
      index[i] = static_cast<std::uint8_t>(before[i] | codes[i]);
      before[i] = static_cast<std::uint8_t>(next << static_cast<unsigned>(bits));
    }
    for (std::size_t c = 0; c < 4; ++c) {
      for (std::size_t lane = 0; lane < kernels::kLanes; ++lane) {
        columns[c * stride + lane] = values[index[4 * lane + c]];
      }
    }
  }
}

}  // namespace pith::kv
