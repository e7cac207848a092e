#include "session/prompt_lookup.h"

#include <algorithm>

namespace pith::session {

std::vector<Token> look_up(std::span<const Token> tokens, Token next, std::size_t count) {
  constexpr std::size_t kLongest = 3;
  constexpr std::size_t kShortest = 2;
  for (std::size_t length = kLongest; length >= kShortest; --length) {
    if (tokens.size() < length) continue;
    const std::span<const Token> before_next = tokens.last(length - 1);
    for (std::size_t end = tokens.size(); end >= length; --end) {
      if (tokens[end - 1] != next) continue;
      if (!std::ranges::equal(before_next, tokens.subspan(end - length, length - 1))) continue;
      const std::span<const Token> held = tokens.subspan(end, std::min(count, tokens.size() - end));
      std::vector<Token> guess(held.begin(), held.end());
      if (guess.size() < count) guess.push_back(next);
      return guess;
    }
  }
  return {};
}

}  // namespace pith::session
