#pragma once

#include <pith/eviction.h>

#include <cstddef>
#include <vector>

namespace pith::kv {

/// How positions rotate keys and queries (RoPE), as far as the cache has to know: pairs of elements by angles
/// proportional to the position.
struct Rotary {
  std::vector<double> frequencies;  ///< [pairs] radians per position
  bool interleaved = false;         ///< Pair i is elements 2i and 2i + 1, else i and i + pairs.

  RotaryView view() const { return {frequencies, interleaved}; }
  /// Rotates a head's vector in place as if it stood `positions` positions later.
  void turn(float* head, double positions) const;
};

}  // namespace pith::kv
