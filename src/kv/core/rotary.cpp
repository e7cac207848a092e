#include "kv/core/rotary.h"

#include <cmath>

namespace pith::kv {

void Rotary::turn(float* head, double positions) const {
  const std::size_t pairs = frequencies.size();
  for (std::size_t i = 0; i < pairs; ++i) {
    const double angle = frequencies[i] * positions;
    const auto c = static_cast<float>(std::cos(angle));
    const auto s = static_cast<float>(std::sin(angle));
    float& a = head[interleaved ? 2 * i : i];
    float& b = head[interleaved ? 2 * i + 1 : i + pairs];
    const float x = a;
    a = x * c - b * s;
    b = x * s + b * c;
  }
}

}  // namespace pith::kv
