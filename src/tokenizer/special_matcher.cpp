#include "tokenizer/special_matcher.h"

#include <algorithm>

namespace pith::tokenizer {
namespace {

bool is_space(char c) noexcept { return c == ' ' || (c >= '\t' && c <= '\r'); }

std::uint8_t byte(char c) noexcept { return static_cast<std::uint8_t>(c); }

}  // namespace

SpecialMatcher::SpecialMatcher(std::vector<SpecialToken> tokens) : tokens_(std::move(tokens)) {
  std::erase_if(tokens_, [](const SpecialToken& token) { return token.text.empty(); });
  std::sort(tokens_.begin(), tokens_.end(), [](const SpecialToken& a, const SpecialToken& b) {
    return a.text != b.text ? a.text < b.text : a.token > b.token;
  });
  const auto same_text = [](const SpecialToken& a, const SpecialToken& b) { return a.text == b.text; };
  tokens_.erase(std::unique(tokens_.begin(), tokens_.end(), same_text), tokens_.end());
  for (std::uint32_t i = 0; i < tokens_.size(); ++i) {
    Range& range = by_first_byte_[byte(tokens_[i].text[0])];
    if (range.begin == range.end) range.begin = i;
    range.end = i + 1;
  }
}

const SpecialToken* SpecialMatcher::longest_prefix(std::string_view text) const noexcept {
  const Range range = by_first_byte_[byte(text[0])];
  auto low = tokens_.begin() + range.begin;
  auto high = tokens_.begin() + range.end;
  const SpecialToken* longest = nullptr;
  // All tokens in [low, high) share their first `depth` bytes with the text; a token that ends there sorts first.
  for (std::size_t depth = 1; low != high; ++depth) {
    if (low->text.size() == depth) longest = &*low++;
    if (depth == text.size()) break;
    const std::uint8_t next = byte(text[depth]);
    low = std::partition_point(low, high, [&](const SpecialToken& t) { return byte(t.text[depth]) < next; });
    high = std::partition_point(low, high, [&](const SpecialToken& t) { return byte(t.text[depth]) == next; });
  }
  return longest;
}

std::vector<Fragment> SpecialMatcher::cut(std::string_view text) const {
  std::vector<Fragment> fragments;
  std::size_t begin = 0;
  for (std::size_t at = 0; at < text.size();) {
    const SpecialToken* found = longest_prefix(text.substr(at));
    if (found == nullptr) {
      ++at;
      continue;
    }
    std::size_t end = at;
    if (found->strip_left) {
      while (end > begin && is_space(text[end - 1])) --end;
    }
    if (end > begin) fragments.push_back({-1, text.substr(begin, end - begin)});
    fragments.push_back({found->token, text.substr(at, found->text.size())});
    at += found->text.size();
    if (found->strip_right) {
      while (at < text.size() && is_space(text[at])) ++at;
    }
    begin = at;
  }
  if (begin < text.size()) fragments.push_back({-1, text.substr(begin)});
  return fragments;
}

}  // namespace pith::tokenizer
