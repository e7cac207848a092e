#pragma once

#include <pith/eviction.h>

#include <cstddef>
#include <span>

namespace pith::policy {

/// A score as policies hand it out: what is no number is the lowest, infinities are the ends of the range.
float finite_score(double score) noexcept;

/// HeadView::attention as it is; zeros where nothing was observed yet.
void score_by_attention(const HeadView& head, std::span<float> scores) noexcept;

/// Row `index` of rows [.., size].
inline std::span<const float> row_of(std::span<const float> rows, std::size_t size, std::size_t index) {
  return rows.subspan(index * size, size);
}

/// Euclidean length. Squares of floats do not overflow in it.
double length_of(std::span<const float> row) noexcept;

/// How many of the head's tokens, the first ones, came before its last `count` positions.
std::size_t tokens_before_last(const HeadView& head, int count) noexcept;

/// Protects the tokens of the head's last `count` positions.
void protect_last(const HeadView& head, int count, std::span<std::uint8_t> kept) noexcept;

}  // namespace pith::policy
