#include "tokenizer/token_trie.h"

#include <algorithm>

#include "base/fail.h"

namespace pith::tokenizer {
namespace {

/// Thirty times what the largest vocabularies have.
constexpr std::size_t kTrieBytesMax = std::size_t{64} << 20;

std::uint8_t byte_at(const TokenTrie::Entry& entry, std::size_t depth) noexcept {
  return static_cast<std::uint8_t>(entry.text[depth]);
}

/// The entries that begin with what a node stands for.
struct Beginnings {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::size_t depth = 0;
};

}  // namespace

TokenTrie::TokenTrie(std::vector<Entry> entries) {
  std::erase_if(entries, [](const Entry& entry) { return entry.text.empty(); });
  // As unsigned bytes, shorter texts before those that begin with them.
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    const int order = a.text.compare(b.text);
    return order != 0 ? order < 0 : a.token > b.token;
  });
  const auto same_text = [](const Entry& a, const Entry& b) { return a.text == b.text; };
  entries.erase(std::unique(entries.begin(), entries.end(), same_text), entries.end());
  std::vector<Beginnings> beginnings = {{0, entries.size(), 0}};
  // Both grow while this goes on; parents are done before their children are looked at.
  for (Node node = 0; node < nodes_.size(); ++node) {
    auto [begin, end, depth] = beginnings[node];
    if (depth != 0 && entries[begin].text.size() == depth) nodes_[node].token = entries[begin++].token;
    nodes_[node].first_child = static_cast<Node>(nodes_.size());
    while (begin != end) {
      const std::uint8_t last_byte = byte_at(entries[begin], depth);
      std::size_t last = begin;
      while (last != end && byte_at(entries[last], depth) == last_byte) ++last;
      if (node == kRoot) from_root_[last_byte] = static_cast<Node>(nodes_.size());
      Branch made;
      made.last_byte = last_byte;
      nodes_.push_back(made);
      ++nodes_[node].children;
      beginnings.push_back({begin, last, depth + 1});
      begin = last;
    }
  }
}

TokenTrie::Node TokenTrie::next(Node node, std::uint8_t byte) const noexcept {
  if (node == kRoot) return from_root_[byte];
  const Branch* first = nodes_.data() + nodes_[node].first_child;
  const Branch* last = first + nodes_[node].children;
  const Branch* at =
      std::lower_bound(first, last, byte, [](const Branch& branch, std::uint8_t b) { return branch.last_byte < b; });
  return at != last && at->last_byte == byte ? static_cast<Node>(at - nodes_.data()) : kRoot;
}

TokenTrie make_trie(const Vocab& vocab, const VocabSource& source, std::span<const TokenType> types) {
  std::vector<TokenTrie::Entry> entries;
  entries.reserve(vocab.size());
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < vocab.size(); ++i) {
    const auto token = static_cast<Token>(i);
    if (std::find(types.begin(), types.end(), vocab.type(token)) == types.end()) continue;
    entries.push_back({vocab.text(token), token});
    bytes += entries.back().text.size();
  }
  if (bytes > kTrieBytesMax) {
    fail(ErrorKind::kFormat, "{}: tokenizer.ggml.tokens has {} bytes together, at most {} are allowed", source.file,
         bytes, kTrieBytesMax);
  }
  return TokenTrie(std::move(entries));
}

}  // namespace pith::tokenizer
