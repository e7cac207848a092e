#pragma once

#include <pith/token.h>

#include <cstddef>
#include <span>
#include <vector>

namespace pith::session {

/// Returns a guess at the tokens that follow `tokens` and, after them, `next` (prompt lookup decoding, Saxena, 2023):
/// up to `count` tokens that followed the latest earlier occurrence of the newest three tokens, or of the newest two if
/// three do not occur; none if neither does. `next` is apart, so that callers need not copy the tokens to append it.
std::vector<Token> look_up(std::span<const Token> tokens, Token next, std::size_t count);

}  // namespace pith::session
