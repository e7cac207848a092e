#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "session/chat_transcript.h"

// What is left of a conversation when old turns are taken out of its middle.

namespace pith::session {

std::vector<Transcript::Mark> Transcript::token_ends(const Tokenizer& tokenizer) const {
  const std::string_view text = chat_.text;
  std::vector<Mark> ends;
  // Of several at one place, the last: tokens without text belong to what is before.
  const auto add = [&](const Mark& end) {
    while (!ends.empty() && ends.back().bytes >= end.bytes) ends.pop_back();
    ends.push_back(end);
  };
  for (std::size_t m = 0; m < marks_.size(); ++m) {
    Mark at = marks_[m];
    add(at);
    if (m + 1 == marks_.size()) break;
    while (at.tokens + 1 < marks_[m + 1].tokens) {
      const Token token = tokens_[at.tokens++];
      std::string piece = tokenizer.piece(token, true);
      // The text leaves the first BOS to the tokenizer, unless it begins with it as some formats do, and the space that
      // SentencePiece begins with.
      const bool spelled = text.starts_with(piece) && tokens_[at.tokens] != token;
      if (at.bytes == 0 && token == tokenizer.bos() && !spelled) piece.clear();
      if (at.bytes == 0 && piece.starts_with(' ') && !text.starts_with(' ')) piece.erase(0, 1);
      if (text.substr(at.bytes, piece.size()) != piece) break;
      at.bytes += piece.size();
      add(at);
    }
  }
  return ends;
}

Transcript Transcript::joined(const Mark& from, const Mark& to, const RenderedChat& chat) const {
  const Mark missing = {to.bytes - from.bytes, to.tokens - from.tokens};
  const auto at = [&](std::size_t token) { return tokens_.begin() + static_cast<std::ptrdiff_t>(token); };
  Transcript result;
  result.tokens_.assign(tokens_.begin(), at(from.tokens));
  result.tokens_.insert(result.tokens_.end(), at(to.tokens), tokens_.end());
  for (const Mark& mark : marks_) {
    if (mark.bytes < from.bytes) result.marks_.push_back(mark);
  }
  result.marks_.push_back(from);
  for (const Mark& mark : marks_) {
    if (mark.bytes > to.bytes) result.marks_.push_back({mark.bytes - missing.bytes, mark.tokens - missing.tokens});
  }
  const std::size_t bytes = chat_.text.size() - missing.bytes;
  result.chat_.text = chat.text.substr(0, bytes);
  for (const RenderedChat::Range& range : chat.contents) {
    if (range.begin < bytes) result.chat_.contents.push_back({range.begin, std::min(range.end, bytes)});
  }
  return result;
}

std::optional<Transcript::Shortened> Transcript::without(const Tokenizer& tokenizer, const RenderedChat& chat,
                                                         std::size_t bytes) const {
  const std::string_view before = chat_.text;
  const std::string_view after = chat.text;
  if (bytes == 0 || bytes > before.size() || before.size() - bytes > after.size()) return std::nullopt;
  // Cuts at `last` and, where the text is alike on both sides, at some places before it leave the same text.
  const std::string_view kept = after.substr(0, before.size() - bytes);
  const auto last =
      static_cast<std::size_t>(std::mismatch(kept.begin(), kept.end(), before.begin()).first - kept.begin());
  if (before.substr(last + bytes) != kept.substr(last)) return std::nullopt;
  std::size_t first = last;
  while (first > 0 && before[first - 1] == before[first - 1 + bytes]) --first;

  const std::vector<Mark> ends = token_ends(tokenizer);
  const auto precedes = [](const Mark& mark, std::size_t at) { return mark.bytes < at; };
  for (auto from = std::lower_bound(ends.begin(), ends.end(), first, precedes);
       from != ends.end() && from->bytes <= last; ++from) {
    const auto to = std::lower_bound(from, ends.end(), from->bytes + bytes, precedes);
    if (to == ends.end() || to->bytes != from->bytes + bytes) continue;
    return Shortened{joined(*from, *to, chat), from->tokens, to->tokens - from->tokens};
  }
  return std::nullopt;
}

}  // namespace pith::session
