#pragma once

#include <array>
#include <cstddef>

namespace pith::tokenizer {

// Properties of characters that WordPiece normalizes by, as utf8proc has them. Every code is a Unicode scalar value.

/// White_Space.
bool is_white_space(char32_t code) noexcept;
/// Control, format, private and unassigned characters (C).
bool is_other(char32_t code) noexcept;
/// Nonspacing marks (Mn): accents and the like.
bool is_accent(char32_t code) noexcept;
/// Punctuation (P).
bool is_punctuation(char32_t code) noexcept;

/// Returns the one character that lower case has; the character itself if there is none.
char32_t lower_case(char32_t code) noexcept;

/// A character and its accents, apart.
struct Decomposition {
  std::array<char32_t, 8> codes{};
  std::size_t size = 0;
};

/// Returns the canonical decomposition (NFD) of one character.
Decomposition decomposed(char32_t code) noexcept;

}  // namespace pith::tokenizer
