#include "tokenizer/special_matcher.h"

#include <algorithm>
#include <utility>

namespace pith::tokenizer {
namespace {

bool is_space(char c) noexcept { return c == ' ' || (c >= '\t' && c <= '\r'); }

std::uint8_t byte(char c) noexcept { return static_cast<std::uint8_t>(c); }

/// The byte that `depth` others follow in the text; it must have that many.
std::uint8_t from_end(const SpecialToken& token, std::size_t depth) noexcept {
  return byte(token.text[token.text.size() - 1 - depth]);
}

bool backwards_less(std::string_view a, std::string_view b) noexcept {
  return std::lexicographical_compare(a.rbegin(), a.rend(), b.rbegin(), b.rend(),
                                      [](char x, char y) { return byte(x) < byte(y); });
}

/// The tokens that a node is an ending of.
struct Endings {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::size_t depth = 0;
};

}  // namespace

SpecialMatcher::SpecialMatcher(std::vector<SpecialToken> tokens) : tokens_(std::move(tokens)) {
  std::erase_if(tokens_, [](const SpecialToken& token) { return token.text.empty(); });
  std::sort(tokens_.begin(), tokens_.end(), [](const SpecialToken& a, const SpecialToken& b) {
    return a.text != b.text ? backwards_less(a.text, b.text) : a.token > b.token;
  });
  const auto same_text = [](const SpecialToken& a, const SpecialToken& b) { return a.text == b.text; };
  tokens_.erase(std::unique(tokens_.begin(), tokens_.end(), same_text), tokens_.end());
  if (!tokens_.empty()) build();
}

void SpecialMatcher::build() {
  nodes_.emplace_back();
  std::vector<Endings> endings = {{0, tokens_.size(), 0}};
  // Both grow while this goes on; parents are done before their children are looked at.
  for (std::uint32_t node = 0; node < nodes_.size(); ++node) {
    auto [begin, end, depth] = endings[node];
    // A token that is no longer sorts first.
    if (depth != 0 && tokens_[begin].text.size() == depth) {
      nodes_[node].longest = static_cast<std::int32_t>(begin++);
    } else if (depth != 0) {
      nodes_[node].longest = nodes_[nodes_[node].fallback].longest;
    }
    nodes_[node].first_child = static_cast<std::uint32_t>(nodes_.size());
    while (begin != end) {
      const std::uint8_t first = from_end(tokens_[begin], depth);
      std::size_t last = begin;
      while (last != end && from_end(tokens_[last], depth) == first) ++last;
      Node made;
      made.first_byte = first;
      if (node == 0) {
        from_root_[first] = static_cast<std::uint32_t>(nodes_.size());
      } else {
        made.fallback = next(nodes_[node].fallback, first);
      }
      nodes_.push_back(made);
      ++nodes_[node].children;
      endings.push_back({begin, last, depth + 1});
      begin = last;
    }
  }
}

std::uint32_t SpecialMatcher::child(std::uint32_t node, std::uint8_t wanted) const noexcept {
  if (node == 0) return from_root_[wanted];
  const Node* first = nodes_.data() + nodes_[node].first_child;
  const Node* last = first + nodes_[node].children;
  const Node* at =
      std::lower_bound(first, last, wanted, [](const Node& n, std::uint8_t b) { return n.first_byte < b; });
  return at != last && at->first_byte == wanted ? static_cast<std::uint32_t>(at - nodes_.data()) : 0;
}

std::uint32_t SpecialMatcher::next(std::uint32_t node, std::uint8_t wanted) const noexcept {
  std::uint32_t found = child(node, wanted);
  while (found == 0 && node != 0) {
    node = nodes_[node].fallback;
    found = child(node, wanted);
  }
  return found;
}

std::vector<SpecialHit> SpecialMatcher::find(std::string_view text) const {
  std::vector<SpecialHit> found;
  if (nodes_.empty()) return found;
  std::uint32_t node = 0;
  for (std::size_t at = text.size(); at-- > 0;) {
    node = next(node, byte(text[at]));
    const std::int32_t longest = nodes_[node].longest;
    if (longest >= 0) found.push_back({at, &tokens_[static_cast<std::size_t>(longest)]});
  }
  std::reverse(found.begin(), found.end());
  return found;
}

std::vector<Fragment> cut_at(std::string_view text, std::span<const SpecialHit> hits) {
  std::vector<Fragment> fragments;
  // Of what is plain so far, and of what is not looked at yet.
  std::size_t begin = 0;
  std::size_t next_at = 0;
  for (const SpecialHit& hit : hits) {
    if (hit.at < next_at) continue;
    const SpecialToken& token = *hit.token;
    std::size_t end = hit.at;
    if (token.strip_left) {
      while (end > begin && is_space(text[end - 1])) --end;
    }
    if (end > begin) fragments.push_back({-1, text.substr(begin, end - begin)});
    fragments.push_back({token.token, text.substr(hit.at, token.text.size())});
    next_at = hit.end();
    if (token.strip_right) {
      while (next_at < text.size() && is_space(text[next_at])) ++next_at;
    }
    begin = next_at;
  }
  if (begin < text.size()) fragments.push_back({-1, text.substr(begin)});
  return fragments;
}

}  // namespace pith::tokenizer
