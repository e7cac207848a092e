#pragma once

#include <pith/options.h>

#include <cstddef>
#include <span>

namespace pith::session {

/// What followed the latest earlier occurrence of the newest tokens, up to `count` tokens: a guess at what follows now
/// (prompt lookup decoding, Saxena, 2023). Of the newest three tokens, or of two where three do not occur; empty where
/// neither does. A view into `tokens`.
std::span<const Token> look_up(std::span<const Token> tokens, std::size_t count);

}  // namespace pith::session
