#pragma once

#include <pith/eviction.h>

#include <cstddef>
#include <vector>

namespace pith::kv {

/// How positions turn keys and queries (RoPE), as far as the cache has to know: pairs of elements by angles that grow
/// with the position.
struct Rotary {
  std::vector<double> frequencies;  ///< [pairs] radians a position
  bool interleaved = false;         ///< Pair i is elements 2i and 2i + 1, else i and i + pairs.

  RotaryView view() const { return {frequencies, interleaved}; }
  /// Turns a head's vector as if it stood `positions` further on.
  void turn(float* head, double positions) const;
};

}  // namespace pith::kv
