#include "tokenizer/pretokenizer.h"

#include <cstddef>

namespace pith::tokenizer {
namespace {

using Words = std::vector<std::string_view>;

constexpr std::size_t kWindow = std::size_t{64} * 1024;

bool begins_character(char c) noexcept { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }

/// Returns the first boundary between characters at or after `at`.
std::size_t boundary(std::string_view text, std::size_t at) noexcept {
  while (at < text.size() && !begins_character(text[at])) ++at;
  return at;
}

/// Splits a word by one pattern as far as the pattern gets. Returns the position where it gave up, or the word's size.
std::size_t cut_word(const Pattern& pattern, Matcher& matcher, std::string_view word, Words& out) {
  std::size_t done = 0;
  std::size_t from = 0;
  while (from < word.size()) {
    Match match;
    const Matcher::Outcome outcome = matcher.find(pattern, word, from, match);
    if (outcome == Matcher::Outcome::kGaveUp) return done;
    if (outcome == Matcher::Outcome::kNotFound) break;
    if (match.end == match.begin) {
      from = boundary(word, match.end + 1);
      continue;
    }
    if (match.begin > done) out.push_back(word.substr(done, match.begin - done));
    out.push_back(word.substr(match.begin, match.end - match.begin));
    done = from = match.end;
  }
  if (done < word.size()) out.push_back(word.substr(done));
  return word.size();
}

void cut_characters(std::string_view word, Words& out) {
  while (!word.empty()) {
    const std::size_t size = boundary(word, 1);
    out.push_back(word.substr(0, size));
    word.remove_prefix(size);
  }
}

void cut_windows(const Pattern& pattern, Matcher& matcher, std::string_view word, Words& out) {
  while (!word.empty()) {
    const std::string_view window = word.substr(0, boundary(word, std::min(kWindow, word.size())));
    const std::size_t done = cut_word(pattern, matcher, window, out);
    cut_characters(window.substr(done), out);
    word.remove_prefix(window.size());
  }
}

}  // namespace

PreTokenizer::PreTokenizer(std::span<const std::string_view> patterns, Jit jit, std::uint32_t steps_max)
    : steps_max_(steps_max) {
  for (const std::string_view pattern : patterns) patterns_.emplace_back(pattern, jit);
}

Words PreTokenizer::split(std::string_view text) const {
  Words words;
  if (!text.empty()) words.push_back(text);
  Matcher matcher(steps_max_);
  Words finer;
  for (const Pattern& pattern : patterns_) {
    finer.clear();
    for (const std::string_view word : words) {
      const std::size_t done = cut_word(pattern, matcher, word, finer);
      cut_windows(pattern, matcher, word.substr(done), finer);
    }
    words.swap(finer);
  }
  return words;
}

}  // namespace pith::tokenizer
