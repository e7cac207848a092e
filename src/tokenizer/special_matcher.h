#pragma once

#include <pith/token.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pith::tokenizer {

/// A token to be found in a text as a whole.
struct SpecialToken {
  Token token = -1;
  std::string_view text;
  /// White space before or after it goes with it.
  bool strip_left = false;
  bool strip_right = false;
};

/// A stretch of a text: plain, or one special token.
struct Fragment {
  Token token = -1;  ///< -1: plain
  std::string_view text;
};

/// A token that begins at a byte of a text.
struct SpecialHit {
  std::size_t at = 0;
  const SpecialToken* token = nullptr;

  std::size_t end() const noexcept { return at + token->text.size(); }
};

/// Cuts a text at tokens that were found in it, sorted by where they begin, at most one a byte: leftmost first, without
/// those that begin inside the one before. No fragment is empty.
std::vector<Fragment> cut_at(std::string_view text, std::span<const SpecialHit> hits);

/// Finds special tokens in texts: leftmost first, the longest of those that begin there. Takes time in proportion to
/// the text, whatever the tokens: an automaton (Aho and Corasick, 1975) over the tokens written backwards goes through
/// the text from its end, and knows at each place the longest token that begins there. Immutable.
class SpecialMatcher {
 public:
  SpecialMatcher() = default;
  /// The texts must outlive the matcher; empty ones are left out, of equal ones the last counts. Takes 16 bytes for
  /// each of theirs, of which there must be less than 2^31.
  explicit SpecialMatcher(std::vector<SpecialToken> tokens);

  /// The longest token at each place where one begins, in order; they point into the matcher.
  std::vector<SpecialHit> find(std::string_view text) const;
  /// Cuts a text at its special tokens.
  std::vector<Fragment> cut(std::string_view text) const { return cut_at(text, find(text)); }

 private:
  /// The end of one or more tokens. Its children, which have one more byte in front, lie side by side, sorted by it.
  struct Node {
    std::uint32_t first_child = 0;
    /// The longest ending that is a shorter part of this one, without its last bytes; the root for the empty one.
    std::uint32_t fallback = 0;
    /// Index of the longest token that this one begins with; -1: none.
    std::int32_t longest = -1;
    std::uint16_t children = 0;
    std::uint8_t first_byte = 0;
  };

  void build();
  /// The node with one more byte in front; 0, the root, if there is none.
  std::uint32_t child(std::uint32_t node, std::uint8_t byte) const noexcept;
  std::uint32_t next(std::uint32_t node, std::uint8_t byte) const noexcept;

  std::vector<SpecialToken> tokens_;  // in the order of their texts read backwards
  std::vector<Node> nodes_;           // shorter endings first; empty where there are no tokens
  std::array<std::uint32_t, 256> from_root_{};
};

}  // namespace pith::tokenizer
