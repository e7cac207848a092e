#include "tokenizer/bpe.h"

#include <algorithm>
#include <cstdint>
#include <string>

#include "base/fail.h"
#include "tokenizer/byte_alphabet.h"
#include "tokenizer/utf8.h"

namespace pith::tokenizer {
namespace {

constexpr std::int32_t kNone = -1;

/// A token of the word so far, in a list by position.
struct Symbol {
  Token token = -1;
  std::int32_t previous = kNone;
  std::int32_t next = kNone;
};

/// Two neighbours that could merge. Stale once either has changed, which their tokens tell.
struct Candidate {
  std::int32_t rank = 0;
  std::int32_t left = 0;
  std::int32_t right = 0;
  Token left_token = -1;
  Token right_token = -1;
  Token merged = -1;
};

/// For a heap whose top is the lowest rank, of equal ranks the leftmost.
bool comes_later(const Candidate& a, const Candidate& b) noexcept {
  return a.rank != b.rank ? a.rank > b.rank : a.left > b.left;
}

Token token_of(const VocabSource& source, const Vocab& vocab, std::size_t merge, std::string_view text) {
  const Token token = vocab.find(text);
  if (token < 0) {
    fail(ErrorKind::kFormat, "{}: tokenizer.ggml.merges[{}] '{}' needs token '{}', which is not in the vocabulary",
         source.file, merge, source.merges[merge], text);
  }
  return token;
}

void insert_merge(const VocabSource& source, const Vocab& vocab, std::size_t i, MergeTable& merges) {
  const std::string_view merge = source.merges[i];
  // The first part may begin with a space of its own, so the search starts behind it.
  const std::size_t space = merge.find(' ', 1);
  if (space == std::string_view::npos || space + 1 == merge.size()) {
    fail(ErrorKind::kFormat, "{}: tokenizer.ggml.merges[{}] '{}' has no two parts", source.file, i, merge);
  }
  const std::string_view left = merge.substr(0, space);
  const std::string_view right = merge.substr(space + 1);
  const Token merged = token_of(source, vocab, i, std::string(left).append(right));
  merges.insert(token_of(source, vocab, i, left), token_of(source, vocab, i, right),
                {static_cast<std::int32_t>(i), merged});
}

}  // namespace

struct BpeEncoder::Workspace {
  std::vector<Symbol> symbols;
  std::vector<Candidate> heap;
};

BpeEncoder::BpeEncoder(std::shared_ptr<const Vocab> tokens, const VocabSource& source, const PreTokenizerRow& row)
    : Encoder(std::move(tokens), source),
      pre_tokenizer_(row.patterns),
      merges_(source.merges.size()),
      ignore_merges_(row.ignore_merges) {
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
  const auto symbol = [&](std::int32_t at) -> Symbol& { return work.symbols[static_cast<std::size_t>(at)]; };
  const auto consider = [&](std::int32_t left, std::int32_t right) {
    if (left == kNone || right == kNone) return false;
    const Token a = symbol(left).token;
    const Token b = symbol(right).token;
    const Merge merge = merges_.find(a, b);
    if (merge.rank < 0) return false;
    heap.push_back({merge.rank, left, right, a, b, merge.merged});
    return true;
  };
  const auto consider_and_sift = [&](std::int32_t left, std::int32_t right) {
    if (consider(left, right)) std::push_heap(heap.begin(), heap.end(), comes_later);
  };

  heap.clear();
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
    if (left.next != best.right || left.token != best.left_token || right.token != best.right_token) continue;
    left.token = best.merged;
    left.next = right.next;
    right.token = kNone;
    right.next = kNone;
    if (left.next != kNone) symbol(left.next).previous = best.left;
    consider_and_sift(left.previous, best.left);
    consider_and_sift(best.left, left.next);
  }
}

}  // namespace pith::tokenizer
