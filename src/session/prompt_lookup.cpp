#include "session/prompt_lookup.h"

#include <algorithm>

namespace pith::session {

std::span<const Token> look_up(std::span<const Token> tokens, std::size_t count) {
  constexpr std::size_t kLongest = 3;
  constexpr std::size_t kShortest = 2;
  for (std::size_t length = kLongest; length >= kShortest; --length) {
    if (tokens.size() <= length) continue;
    const std::span<const Token> newest = tokens.last(length);
    for (std::size_t end = tokens.size() - 1; end >= length; --end) {
      if (!std::equal(newest.begin(), newest.end(), tokens.begin() + static_cast<std::ptrdiff_t>(end - length)))
        continue;
      return tokens.subspan(end, std::min(count, tokens.size() - end));
    }
  }
  return {};
}

}  // namespace pith::session
