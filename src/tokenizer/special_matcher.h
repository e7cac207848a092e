#pragma once

#include <pith/options.h>

#include <array>
#include <cstddef>
#include <cstdint>
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

/// Finds special tokens in texts: leftmost first, the longest of those that begin there. Immutable.
class SpecialMatcher {
 public:
  SpecialMatcher() = default;
  /// The texts must outlive the matcher; empty ones are left out, of equal ones the last counts.
  explicit SpecialMatcher(std::vector<SpecialToken> tokens);

  /// Cuts a text at its special tokens. No fragment is empty.
  std::vector<Fragment> cut(std::string_view text) const;

 private:
  struct Range {
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
  };

  /// The longest token that `text` begins with; nullptr if there is none.
  const SpecialToken* longest_prefix(std::string_view text) const noexcept;

  std::vector<SpecialToken> tokens_;  // in the order of their texts
  std::array<Range, 256> by_first_byte_{};
};

}  // namespace pith::tokenizer
