#include "tokenizer/bpe.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>

#include "base/fail.h"
#include "base/printable.h"
#include "tokenizer/byte_alphabet.h"
#include "tokenizer/utf8.h"

namespace pith::tokenizer {
namespace {

constexpr std::int32_t kNone = -1;
/// Twenty times the number of the largest vocabularies.
constexpr std::size_t kMergesMax = std::size_t{1} << 24;

/// A token of the word so far, linked to its neighbours by position.
struct Symbol {
  Token token = -1;
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
      ignore_merges_(row.ignore_merges) {
  if (source.merges.size() > kMergesMax) {
    fail(ErrorKind::kFormat, "{}: tokenizer.ggml.merges has {} entries, at most {} are allowed", source.file,
         source.merges.size(), kMergesMax);
  }
  if (source.merges.empty()) fail(ErrorKind::kFormat, "{}: tokenizer.ggml.merges is missing or empty", source.file);
  for (std::size_t i = 0; i < source.merges.size(); ++i) insert_merge(source, vocab(), i, merges_);
  for (std::size_t byte = 0; byte < byte_tokens_.size(); ++byte) {
    byte_tokens_[byte] = vocab().find_plain(byte_character(static_cast<std::uint8_t>(byte)));
  }
}

void BpeEncoder::append_plain(std::string_view text, bool /*opens*/, std::vector<Token>& out) const {
  std::string replaced;
  if (!is_valid_utf8(text)) {
    replaced = replace_invalid_utf8(text);
    text = replaced;
  }
  Workspace work;
  for (const std::string_view word : pre_tokenizer_.split(text)) append_word(word, work, out);
}

void BpeEncoder::append_word(std::string_view word, Workspace& work, std::vector<Token>& out) const {
  if (ignore_merges_ && word.size() <= vocab().longest_text()) {
    const Token whole = vocab().find_plain(to_byte_alphabet(word));
    if (whole >= 0) {
      out.push_back(whole);
      return;
    }
  }
  work.symbols.clear();
  work.symbols.reserve(word.size());
  for (const char c : word) {
    const auto at = static_cast<std::int32_t>(work.symbols.size());
    work.symbols.push_back({byte_tokens_[static_cast<std::uint8_t>(c)], at - 1, at + 1});
  }
  work.symbols.back().next = kNone;
  merge_word(work);
  for (std::int32_t at = 0; at != kNone; at = work.symbols[static_cast<std::size_t>(at)].next) {
    const Token token = work.symbols[static_cast<std::size_t>(at)].token;
    if (token >= 0) out.push_back(token);
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
