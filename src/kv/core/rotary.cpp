#include "kv/core/rotary.h"

#include <cmath>

#include "base/rotary_pairs.h"

namespace pith::kv {

void Rotary::turn(float* head, double positions) const {
  RotaryPairs(frequencies.size(), interleaved).rotate(head, [&](std::size_t i) {
    const double angle = frequencies[i] * positions;
    return Turn<float>{static_cast<float>(std::cos(angle)), static_cast<float>(std::sin(angle))};
  });
}

}  // namespace pith::kv
