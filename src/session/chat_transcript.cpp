#include "session/chat_transcript.h"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>

namespace pith::session {
namespace {

/// Bytes that two renderings begin with, the same by the same authors.
std::size_t common_prefix(const RenderedChat& a, const RenderedChat& b) {
  auto common = static_cast<std::size_t>(
      std::mismatch(a.text.begin(), a.text.end(), b.text.begin(), b.text.end()).first - a.text.begin());
  const auto [one, other] = std::mismatch(a.contents.begin(), a.contents.end(), b.contents.begin(), b.contents.end());
  const bool both = one != a.contents.end() && other != b.contents.end();
  if (both && one->begin == other->begin) return std::min({common, one->end, other->end});
  if (one != a.contents.end()) common = std::min(common, one->begin);
  if (other != b.contents.end()) common = std::min(common, other->begin);
  return common;
}

}  // namespace

Transcript::Transcript(std::vector<Token> prefix) : tokens_(std::move(prefix)), marks_{{0, tokens_.size()}} {}

Transcript Transcript::adapted(const Tokenizer& tokenizer, RenderedChat chat, bool parse_special) const {
  const std::size_t common = common_prefix(chat_, chat);
  const auto ends_before = [](const Mark& mark, std::size_t bytes) { return mark.bytes < bytes; };
  auto mark = std::lower_bound(marks_.begin(), marks_.end(), common, ends_before);
  // Where the text goes on, so do white space and the like that a reply may have written after the mark.
  const bool goes_on = common < chat.text.size();
  while (goes_on && mark != marks_.end() && mark->bytes == common) ++mark;
  if (mark == marks_.end() || mark->bytes > common || goes_on) --mark;

  Transcript result;
  result.marks_.assign(marks_.begin(), std::next(mark));
  result.tokens_.assign(tokens_.begin(), tokens_.begin() + static_cast<std::ptrdiff_t>(mark->tokens));
  std::vector<TextPart> rest = chat.parts(mark->bytes);
  if (parse_special) rest = {{std::string_view(chat.text).substr(mark->bytes), true}};
  if (mark->bytes < chat.text.size()) {
    const std::vector<Token> more = tokenizer.encode(rest, {.add_special = result.tokens_.empty()});
    result.tokens_.insert(result.tokens_.end(), more.begin(), more.end());
  }
  result.marks_.push_back({chat.text.size(), result.tokens_.size()});
  result.chat_ = std::move(chat);
  return result;
}

}  // namespace pith::session
