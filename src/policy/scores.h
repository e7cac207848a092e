#pragma once

#include <pith/eviction.h>

#include <cstddef>
#include <span>

namespace pith::policy {

/// Makes a score finite: NaN becomes the lowest float, infinities the ends of the range.
float finite_score(double score) noexcept;

/// Copies HeadView::attention into the scores; zeros if nothing was observed yet.
void score_by_attention(const HeadView& head, std::span<float> scores) noexcept;

/// Returns row `index` of rows [count, size].
inline std::span<const float> row_of(std::span<const float> rows, std::size_t size, std::size_t index) {
  return rows.subspan(index * size, size);
}

/// Returns the Euclidean length, computed in double so that squares do not overflow.
double length_of(std::span<const float> row) noexcept;

/// Returns how many of the head's tokens lie before the last `count` positions of the sequence.
std::size_t tokens_before_last(const HeadView& head, int count) noexcept;

/// Protects the tokens in the last `count` positions of the sequence.
void protect_last(const HeadView& head, int count, std::span<std::uint8_t> kept) noexcept;

}  // namespace pith::policy
