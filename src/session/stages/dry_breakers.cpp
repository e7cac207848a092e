#include <pith/tokenizer.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "session/stages/stage.h"

namespace pith::inline v0_1 {
namespace {

/// Adds every way in which a text can begin inside `token`, whose own text is `piece`.
void add_ways(const Tokenizer& tokenizer, const std::string& text, Token token, const std::string& piece,
              TokenSequences& to) {
  if (piece.find(text) != std::string::npos) {
    to.push_back({token});
    return;
  }
  for (std::size_t size = 1; size < text.size() && size <= piece.size(); ++size) {
    if (!piece.ends_with(std::string_view(text).substr(0, size))) continue;
    std::vector<Token> sequence = {token};
    const std::vector<Token> rest =
        tokenizer.encode(std::string_view(text).substr(size), {.add_special = false, .parse_special = false});
    sequence.insert(sequence.end(), rest.begin(), rest.end());
    to.push_back(std::move(sequence));
  }
}

}  // namespace

TokenSequences dry_breakers(const Tokenizer& tokenizer, const std::vector<std::string>& texts) {
  TokenSequences ways;
  for (const std::string& text : texts) {
    if (text.empty()) fail(ErrorKind::kInvalidArgument, "dry_breakers: a text is empty");
  }
  for (Token token = 0; token < tokenizer.vocab_size(); ++token) {
    const std::string piece = tokenizer.piece(token, true);
    for (const std::string& text : texts) add_ways(tokenizer, text, token, piece, ways);
  }
  std::sort(ways.begin(), ways.end());
  ways.erase(std::unique(ways.begin(), ways.end()), ways.end());
  return ways;
}

}  // namespace pith::inline v0_1
