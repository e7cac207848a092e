#pragma once

// Needs a simd.h included before. Trellis-coded quantization (Marcellin and Fischer, IEEE Trans. Commun. 38, 1990): the
// levels of a code depend on the state that the code before left, so that the best of many paths can be taken.
// Written as loops over lanes, which compilers turn into the unit's own instructions.
#include "kernels/types.h"

namespace pith::kernels::PITH_ISA {

/// Of each lane the nearest of `members` levels: its weighted error, and its number.
inline void nearest_member(const float (&x)[kLanes], const float (&weight)[kLanes], const float* levels,
                           std::size_t members, float (&error)[kLanes], std::uint32_t (&member)[kLanes]) {
  for (std::size_t l = 0; l < kLanes; ++l) {
    const float d = x[l] - levels[0];
    error[l] = d * d;
    member[l] = 0;
  }
  for (std::uint32_t m = 1; m < members; ++m) {
    const float level = levels[m];
    for (std::size_t l = 0; l < kLanes; ++l) {
      const float d = x[l] - level;
      const float e = d * d;
      member[l] = e < error[l] ? m : member[l];
      error[l] = e < error[l] ? e : error[l];
    }
  }
  for (std::size_t l = 0; l < kLanes; ++l) error[l] *= weight[l];
}

/// 16 sequences, `lines` <= kTrellisLinesMax; x, weights and codes are 64 apart from line to line.
inline void encode_trellis_lanes(const float* x, const float* weights, std::size_t lines, const float* levels,
                                 std::size_t members, std::uint8_t* codes) {
  // The best way into each state, by line: state before * members + member.
  std::uint8_t ways[kTrellisLinesMax][2][kLanes];
  float cost[2][kLanes];
  for (std::size_t l = 0; l < kLanes; ++l) {
    cost[0][l] = 0.0F;
    cost[1][l] = 1e30F;
  }
  for (std::size_t j = 0; j < lines; ++j) {
    float value[kLanes];
    float weight[kLanes];
    for (std::size_t l = 0; l < kLanes; ++l) {
      value[l] = x[64 * j + l];
      weight[l] = weights == nullptr ? 1.0F : weights[64 * j + l];
    }
    float next_cost[2][kLanes];
    for (std::size_t next = 0; next < 2; ++next) {
      float error[2][kLanes];
      std::uint32_t member[2][kLanes];
      for (std::size_t state = 0; state < 2; ++state) {
        nearest_member(value, weight, levels + (2 * state + next) * kTrellisMembers, members, error[state],
                       member[state]);
      }
      const auto second = static_cast<std::uint32_t>(members);
      for (std::size_t l = 0; l < kLanes; ++l) {
        const float from0 = cost[0][l] + error[0][l];
        const float from1 = cost[1][l] + error[1][l];
        const bool other = from1 < from0;
        next_cost[next][l] = other ? from1 : from0;
        ways[j][next][l] = static_cast<std::uint8_t>(other ? second + member[1][l] : member[0][l]);
      }
    }
    for (std::size_t l = 0; l < kLanes; ++l) {
      cost[0][l] = next_cost[0][l];
      cost[1][l] = next_cost[1][l];
    }
  }
  for (std::size_t l = 0; l < kLanes; ++l) {
    std::size_t state = cost[1][l] < cost[0][l] ? 1 : 0;
    for (std::size_t j = lines; j-- > 0;) {
      const std::size_t way = ways[j][state][l];
      codes[64 * j + l] = static_cast<std::uint8_t>(state * members + way % members);
      state = way / members;
    }
  }
}

void encode_trellis(const float* x, const float* weights, std::size_t lines, const float* levels, std::size_t members,
                    std::uint8_t* codes) {
  for (std::size_t l = 0; l < 64; l += kLanes) {
    encode_trellis_lanes(x + l, weights == nullptr ? nullptr : weights + l, lines, levels, members, codes + l);
  }
}

}  // namespace pith::kernels::PITH_ISA
