#include "policy/scores.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace pith::policy {

float finite_score(double score) noexcept {
  constexpr double kMost = std::numeric_limits<float>::max();
  return std::isnan(score) ? static_cast<float>(-kMost) : static_cast<float>(std::clamp(score, -kMost, kMost));
}

void score_by_attention(const HeadView& head, std::span<float> scores) noexcept {
  for (std::size_t t = 0; t < scores.size(); ++t) {
    scores[t] = head.attention.empty() ? 0.0F : finite_score(static_cast<double>(head.attention[t]));
  }
}

double length_of(std::span<const float> row) noexcept {
  double sum = 0.0;
  for (const float x : row) sum += static_cast<double>(x) * static_cast<double>(x);
  return std::sqrt(sum);
}

std::size_t tokens_before_last(const HeadView& head, int count) noexcept {
  const std::int64_t first = std::int64_t{head.position} - count;
  const auto at = std::lower_bound(head.positions.begin(), head.positions.end(), first,
                                   [](std::int32_t position, std::int64_t bound) { return position < bound; });
  return static_cast<std::size_t>(at - head.positions.begin());
}

void protect_last(const HeadView& head, int count, std::span<std::uint8_t> kept) noexcept {
  const std::size_t first = tokens_before_last(head, count);
  std::fill(kept.begin() + static_cast<std::ptrdiff_t>(first), kept.end(), std::uint8_t{1});
}

}  // namespace pith::policy
