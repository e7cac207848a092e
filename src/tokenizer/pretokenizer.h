#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "tokenizer/pattern.h"

namespace pith::tokenizer {

/// Splits a text into the words that BPE may not merge across. Immutable.
class PreTokenizer {
 public:
  /// `steps_max` is passed to Matcher.
  explicit PreTokenizer(std::span<const std::string_view> patterns, Jit jit = Jit::kIfPossible,
                        std::uint32_t steps_max = 0);

  /// Returns the words of a text of valid UTF-8, in order. None is empty, and joined they are the text again. The
  /// patterns apply one after the other, each to the words that the previous ones made: every match becomes a word, and
  /// so does the text between two matches.
  ///
  /// If a pattern reaches its limits, the rest of the word is split into windows of 64 KiB that are matched separately,
  /// and if a window reaches them too, into single characters. So no text is lost and the work is bounded.
  std::vector<std::string_view> split(std::string_view text) const;

 private:
  std::vector<Pattern> patterns_;
  std::uint32_t steps_max_;
};

}  // namespace pith::tokenizer
