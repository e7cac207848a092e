#include "tokenizer/spm.h"

#include <algorithm>
#include <cstdint>

#include "base/fail.h"
#include "tokenizer/utf8.h"

namespace pith::tokenizer {
namespace {

constexpr std::int32_t kNone = -1;

/// A piece of the text, linked to its neighbours by position. Empty once it has been merged into another.
struct Symbol {
  std::uint32_t begin = 0;
  std::uint32_t size = 0;
  std::int32_t previous = kNone;
  std::int32_t next = kNone;
};

/// Two neighbours whose joined text is a token. Stale once either has changed, which shows in their size.
struct Candidate {
  float score = 0;
  std::int32_t left = 0;
  std::int32_t right = 0;
  std::uint32_t size = 0;
};

/// Orders a heap so that the highest score is on top and, among equal scores, the leftmost.
bool comes_later(const Candidate& a, const Candidate& b) noexcept {
  return a.score != b.score ? a.score < b.score : a.left > b.left;
}

/// Reduces each run of spaces to one, and removes spaces at both ends.
std::string without_extra_spaces(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c != ' ' || (!out.empty() && out.back() != ' ')) out.push_back(c);
  }
  if (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

}  // namespace

struct SpmEncoder::Workspace {
  std::vector<Symbol> symbols;
  std::vector<Candidate> heap;
};

SpmEncoder::SpmEncoder(std::shared_ptr<const Vocab> tokens, const VocabSource& source)
    : Encoder(std::move(tokens), source) {
  if (source.scores.empty()) fail(ErrorKind::kFormat, "{}: tokenizer.ggml.scores is missing or empty", source.file);
  std::size_t missing = 0;
  std::uint8_t example = 0;
  for (std::size_t i = 0; i < byte_tokens_.size(); ++i) {
    const auto byte = static_cast<std::uint8_t>(i);
    byte_tokens_[i] = vocab().find(byte_token(byte));
    if (byte_tokens_[i] >= 0) continue;
    example = byte;
    ++missing;
  }
  if (missing == 0) return;
  if (missing < byte_tokens_.size()) {
    fail(ErrorKind::kFormat, "{}: tokenizer.ggml.tokens lacks {} of 256 byte tokens, such as '{}'", source.file,
         missing, byte_token(example));
  }
  if (vocab().unknown() < 0) {
    fail(ErrorKind::kFormat, "{}: tokenizer.ggml.tokens has neither byte tokens nor an unknown token", source.file);
  }
  byte_tokens_.fill(vocab().unknown());
}

std::string SpmEncoder::prepared(std::string_view text, bool opens) const {
  std::string tidy;
  if (vocab().remove_extra_whitespaces()) {
    tidy = without_extra_spaces(text);
    if (tidy.empty()) return tidy;
    text = tidy;
  }
  std::string out;
  out.reserve(text.size() + text.size() / 4 + kSpaceMark.size());
  if (opens && vocab().add_space_prefix()) out.append(kSpaceMark);
  append_marking_spaces(text, out);
  return out;
}

void SpmEncoder::append_plain(std::string_view plain, bool opens, std::vector<Token>& out) const {
  const std::string text = prepared(plain, opens);
  Workspace work;
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Scan scan = scan_utf8(text, at);
    const std::uint32_t size = scan.state == Utf8Scan::State::kWhole ? scan.size : 1;
    const auto index = static_cast<std::int32_t>(work.symbols.size());
    work.symbols.push_back({static_cast<std::uint32_t>(at), size, index - 1, index + 1});
    at += size;
  }
  if (work.symbols.empty()) return;
  work.symbols.back().next = kNone;
  merge(text, work);
  for (std::int32_t at = 0; at != kNone; at = work.symbols[static_cast<std::size_t>(at)].next) {
    const Symbol& symbol = work.symbols[static_cast<std::size_t>(at)];
    append_symbol(std::string_view(text).substr(symbol.begin, symbol.size), out);
  }
}

void SpmEncoder::append_symbol(std::string_view symbol, std::vector<Token>& out) const {
  const Token token = vocab().find_plain(symbol);
  if (token >= 0) {
    out.push_back(token);
    return;
  }
  for (const char byte : symbol) out.push_back(byte_tokens_[static_cast<std::uint8_t>(byte)]);
}

void SpmEncoder::merge(std::string_view text, Workspace& work) const {
  auto& heap = work.heap;
  const auto symbol = [&](std::int32_t at) -> Symbol& { return work.symbols[static_cast<std::size_t>(at)]; };
  const auto consider = [&](std::int32_t left, std::int32_t right) {
    if (left == kNone || right == kNone) return false;
    const std::uint32_t size = symbol(left).size + symbol(right).size;
    const Token token = vocab().find_plain(text.substr(symbol(left).begin, size));
    if (token < 0) return false;
    heap.push_back({vocab().score(token), left, right, size});
    return true;
  };
  const auto consider_and_sift = [&](std::int32_t left, std::int32_t right) {
    if (consider(left, right)) std::push_heap(heap.begin(), heap.end(), comes_later);
  };

  for (std::size_t i = 1; i < work.symbols.size(); ++i) {
    consider(static_cast<std::int32_t>(i - 1), static_cast<std::int32_t>(i));
  }
  std::make_heap(heap.begin(), heap.end(), comes_later);
  while (!heap.empty()) {
    std::pop_heap(heap.begin(), heap.end(), comes_later);
    const Candidate best = heap.back();
    heap.pop_back();
    Symbol& left = symbol(best.left);
    Symbol& right = symbol(best.right);
    if (left.size == 0 || right.size == 0 || left.size + right.size != best.size) continue;
    left.size = best.size;
    right.size = 0;
    left.next = right.next;
    if (left.next != kNone) symbol(left.next).previous = best.left;
    consider_and_sift(left.previous, best.left);
    consider_and_sift(best.left, left.next);
  }
}

}  // namespace pith::tokenizer
