#include "tokenizer/bpe.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>

#include "base/fail.h"
#include "base/printable.h"
#include "tokenizer/byte_alphabet.h"
#include "tokenizer/unicode.h"
#include "tokenizer/utf8.h"

namespace pith::tokenizer {
namespace {

constexpr std::int32_t kNone = -1;
/// Twenty times the number of the largest vocabularies.
constexpr std::size_t kMergesMax = std::size_t{1} << 24;

/// A token of the word so far, linked to its neighbours by position.
struct Symbol {
  Token token = -1;  // -1: the character at `begin` has none
  std::uint32_t begin = 0;
  std::int32_t previous = kNone;
  std::int32_t next = kNone;
};

/// A pair of neighbours that could merge: its rank in the high half, the position of its left token in the low half, so
/// that the smallest candidate has the lowest rank and, among equal ranks, is leftmost. Stale once the pair at that
/// position has another rank.
using Candidate = std::uint64_t;

Candidate candidate(std::int32_t rank, std::int32_t left) noexcept {
  return (static_cast<std::uint64_t>(rank) << 32) | static_cast<std::uint32_t>(left);
}

std::int32_t rank_of(Candidate candidate) noexcept { return static_cast<std::int32_t>(candidate >> 32); }
std::int32_t left_of(Candidate candidate) noexcept { return static_cast<std::int32_t>(candidate & 0xFFFFFFFFU); }

Token token_of(const VocabSource& source, const Vocab& vocab, std::size_t merge, std::string_view text) {
  const Token token = vocab.find(text);
  if (token < 0) {
    fail(ErrorKind::kFormat, "{}: tokenizer.ggml.merges[{}] '{}' needs token '{}', which is not in the vocabulary",
         source.file, merge, printable(source.merges[merge]), printable(text));
  }
  return token;
}

void insert_merge(const VocabSource& source, const Vocab& vocab, std::size_t i, MergeTable& merges) {
  const std::string_view merge = source.merges[i];
  // The first part may itself begin with a space, so the search starts after it.
  const std::size_t space = merge.find(' ', 1);
  if (space == std::string_view::npos || space + 1 == merge.size()) {
    fail(ErrorKind::kFormat, "{}: tokenizer.ggml.merges[{}] '{}' has no two parts", source.file, i, printable(merge));
  }
  const std::string_view left = merge.substr(0, space);
  const std::string_view right = merge.substr(space + 1);
  const Token merged = token_of(source, vocab, i, std::string(left).append(right));
  if (merges.insert(token_of(source, vocab, i, left), token_of(source, vocab, i, right),
                    {static_cast<std::int32_t>(i), merged})) {
    return;
  }
  fail(ErrorKind::kFormat, "{}: tokenizer.ggml.merges[{}] '{}' falls on too many others: the merges are made for that",
       source.file, i, printable(merge));
}

}  // namespace

struct BpeEncoder::Workspace {
  std::vector<Symbol> symbols;
  std::vector<Candidate> heap;
};

BpeEncoder::BpeEncoder(std::shared_ptr<const Vocab> tokens, const VocabSource& source, const PreTokenizerRow& row)
    : Encoder(std::move(tokens), source),
      pre_tokenizer_(row.patterns),
      merges_(std::min(source.merges.size(), kMergesMax)),
      ignore_merges_(row.ignore_merges),
      whole_newlines_(row.whole_newlines),
      by_bytes_(row.spelling == Spelling::kByteAlphabet),
      drops_spaces_(row.spaces == Spaces::kDropped),
      lowercase_(drops_spaces_ && source.normalizer_lowercase.value_or(false)) {
  if (source.merges.size() > kMergesMax) {
    fail(ErrorKind::kFormat, "{}: tokenizer.ggml.merges has {} entries, at most {} are allowed", source.file,
         source.merges.size(), kMergesMax);
  }
  if (source.merges.empty()) fail(ErrorKind::kFormat, "{}: tokenizer.ggml.merges is missing or empty", source.file);
  for (std::size_t i = 0; i < source.merges.size(); ++i) insert_merge(source, vocab(), i, merges_);
  for (std::size_t i = 0; i < byte_tokens_.size(); ++i) {
    const auto byte = static_cast<std::uint8_t>(i);
    byte_tokens_[i] = vocab().find_plain(by_bytes_ ? byte_character(byte) : byte_token(byte));
  }
}

std::string BpeEncoder::prepared(std::string_view text) const {
  std::string out;
  out.reserve(text.size() + text.size() / 4);
  if (!drops_spaces_) {
    append_marking_spaces(text, out);
  } else if (lowercase_) {
    for (std::size_t at = 0; at < text.size();) {
      const Utf8Scan scan = scan_utf8(text, at);
      append_utf8(lower_case(scan.code), out);
      at += scan.size;
    }
  } else {
    out.append(text);
  }
  return out;
}

void BpeEncoder::append_plain(std::string_view text, bool /*opens*/, std::vector<Token>& out) const {
  std::string replaced;
  if (!is_valid_utf8(text)) {
    replaced = replace_invalid_utf8(text);
    text = replaced;
  }
  std::string marked;
  if (!by_bytes_) {
    marked = prepared(text);
    text = marked;
  }
  Workspace work;
  for (const std::string_view word : pre_tokenizer_.split(text)) {
    if (drops_spaces_ && is_white_space(scan_utf8(word, 0).code)) continue;
    append_word(word, work, out);
  }
}

Token BpeEncoder::whole(std::string_view word) const {
  const bool asked = ignore_merges_ || (whole_newlines_ && word.front() == '\n');
  if (!asked || word.size() > vocab().longest_text()) return -1;
  return by_bytes_ ? vocab().find_plain(to_byte_alphabet(word)) : vocab().find_plain(word);
}

std::size_t BpeEncoder::character_size(std::string_view word, std::size_t at) const noexcept {
  return by_bytes_ ? 1 : scan_utf8(word, at).size;
}

void BpeEncoder::append_word(std::string_view word, Workspace& work, std::vector<Token>& out) const {
  if (const Token token = whole(word); token >= 0) {
    out.push_back(token);
    return;
  }
  work.symbols.clear();
  work.symbols.reserve(word.size());
  for (std::size_t begin = 0; begin < word.size();) {
    const auto at = static_cast<std::int32_t>(work.symbols.size());
    const std::string_view character = word.substr(begin, character_size(word, begin));
    const Token token =
        by_bytes_ ? byte_tokens_[static_cast<std::uint8_t>(character.front())] : vocab().find_plain(character);
    work.symbols.push_back({token, static_cast<std::uint32_t>(begin), at - 1, at + 1});
    begin += character.size();
  }
  work.symbols.back().next = kNone;
  merge_word(work);
  for (std::int32_t at = 0; at != kNone; at = work.symbols[static_cast<std::size_t>(at)].next) {
    const Symbol& symbol = work.symbols[static_cast<std::size_t>(at)];
    if (symbol.token >= 0) {
      out.push_back(symbol.token);
      continue;
    }
    for (const char byte : word.substr(symbol.begin, character_size(word, symbol.begin))) {
      const Token token = byte_tokens_[static_cast<std::uint8_t>(byte)];
      if (token >= 0) out.push_back(token);
    }
  }
}

void BpeEncoder::merge_word(Workspace& work) const {
  auto& heap = work.heap;
  constexpr std::greater<Candidate> kSmallestOnTop;
  const auto symbol = [&](std::int32_t at) -> Symbol& { return work.symbols[static_cast<std::size_t>(at)]; };
  const auto merge_at = [&](std::int32_t left) {
    const Symbol& first = symbol(left);
    return first.next == kNone ? Merge{} : merges_.find(first.token, symbol(first.next).token);
  };
  const auto consider = [&](std::int32_t left) {
    if (left == kNone) return;
    const Merge merge = merge_at(left);
    if (merge.rank < 0) return;
    heap.push_back(candidate(merge.rank, left));
    std::push_heap(heap.begin(), heap.end(), kSmallestOnTop);
  };

  heap.clear();
  for (std::int32_t left = 0; left != kNone; left = symbol(left).next) {
    if (const Merge merge = merge_at(left); merge.rank >= 0) heap.push_back(candidate(merge.rank, left));
  }
  std::make_heap(heap.begin(), heap.end(), kSmallestOnTop);
  while (!heap.empty()) {
    std::pop_heap(heap.begin(), heap.end(), kSmallestOnTop);
    const Candidate best = heap.back();
    heap.pop_back();
    const std::int32_t at = left_of(best);
    const Merge merge = merge_at(at);
    if (merge.rank != rank_of(best)) continue;
    Symbol& left = symbol(at);
    Symbol& right = symbol(left.next);
    left.token = merge.merged;
    left.next = right.next;
    right.next = kNone;
    if (left.next != kNone) symbol(left.next).previous = at;
    consider(left.previous);
    consider(at);
  }
}

}  // namespace pith::tokenizer
