#pragma once

// Trellis-coded quantization (Marcellin and Fischer, IEEE Trans. Commun. 38, 1990): the levels of a code depend on the
// state that the previous code left, and the encoder takes the best of all paths. Include a simd.h first.
#include "kernels/types.h"

namespace pith::kernels::PITH_ISA {

/// The best transition into a state: the previous state and the member, small integers held as floats.
struct TrellisWay {
  F32x16 before, member;
};

/// The member whose level is nearest to a value, and its distance.
struct NearestMember {
  F32x16 distance, member;
};

inline NearestMember nearest_member(F32x16 x, const float* levels, std::size_t members) {
  NearestMember best = {abs(sub(x, set1(levels[0]))), zero()};
  for (std::size_t m = 1; m < members; ++m) {
    const F32x16 distance = abs(sub(x, set1(levels[m])));
    best.member = select_less(distance, best.distance, set1(static_cast<float>(m)), best.member);
    best.distance = min(best.distance, distance);
  }
  return best;
}

/// Encodes one sequence per lane by dynamic programming over both states (the Viterbi algorithm). A sequence is every
/// fourth column of a tile, `lines` <= kTileLinesMax of them. codes is [lines][16], 64 bytes apart.
template <std::size_t members>
void encode_trellis_lanes(const float* x, std::size_t stride, const float* weights, std::size_t lines,
                          const float* levels, std::uint8_t* codes) {
  TrellisWay ways[kTileLinesMax][2];
  F32x16 cost[2] = {zero(), set1(1e30F)};
  for (std::size_t j = 0; j < lines; ++j) {
    const F32x16 value = load(x + 4 * j * stride);
    const F32x16 weight = set1(weights == nullptr ? 1.0F : weights[4 * j]);
    F32x16 next_cost[2];
    for (std::size_t next = 0; next < 2; ++next) {
      const NearestMember from0 = nearest_member(value, levels + next * kTrellisMembers, members);
      const NearestMember from1 = nearest_member(value, levels + (2 + next) * kTrellisMembers, members);
      const F32x16 cost0 = fma(mul(from0.distance, from0.distance), weight, cost[0]);
      const F32x16 cost1 = fma(mul(from1.distance, from1.distance), weight, cost[1]);
      ways[j][next] = {select_less(cost1, cost0, set1(1.0F), zero()),
                       select_less(cost1, cost0, from1.member, from0.member)};
      next_cost[next] = min(cost1, cost0);
    }
    cost[0] = next_cost[0];
    cost[1] = next_cost[1];
  }
  F32x16 state = select_less(cost[1], cost[0], set1(1.0F), zero());
  for (std::size_t j = lines; j-- > 0;) {
    const TrellisWay* way = ways[j];
    const F32x16 member = select_less(zero(), state, way[1].member, way[0].member);
    store_i8(reinterpret_cast<std::int8_t*>(codes + 64 * j),
             to_i32(fma(state, set1(static_cast<float>(members)), member)));
    state = select_less(zero(), state, way[1].before, way[0].before);
  }
}

/// Transposes a line from [4 columns][16 lanes] to [16 lanes][4 columns], in place.
inline void transpose_line(std::uint8_t* line) {
  const auto column = [&](std::size_t c) { return to_i32(load_u8(line + c * kLanes)); };
  const I32x16 low = add(column(0), shift_left<8>(column(1)));
  const I32x16 high = add(shift_left<16>(column(2)), shift_left<24>(column(3)));
  std::int32_t words[kLanes];
  store_i32(words, add(low, high));
  std::memcpy(line, words, sizeof words);
}

template <std::size_t members>
void encode_trellis_tile(const float* x, std::size_t stride, const float* weights, std::size_t lines,
                         const float* levels, std::uint8_t* codes) {
  for (std::size_t c = 0; c < 4; ++c) {
    encode_trellis_lanes<members>(x + c * stride, stride, weights == nullptr ? nullptr : weights + c, lines, levels,
                                  codes + c * kLanes);
  }
  for (std::size_t j = 0; j < lines; ++j) transpose_line(codes + 64 * j);
}

inline void encode_trellis(const float* x, std::size_t stride, const float* weights, std::size_t lines,
                           const float* levels, std::size_t members, std::uint8_t* codes) {
  if (members == 8) {
    encode_trellis_tile<8>(x, stride, weights, lines, levels, codes);
  } else if (members == 4) {
    encode_trellis_tile<4>(x, stride, weights, lines, levels, codes);
  } else {
    encode_trellis_tile<2>(x, stride, weights, lines, levels, codes);
  }
}

}  // namespace pith::kernels::PITH_ISA
