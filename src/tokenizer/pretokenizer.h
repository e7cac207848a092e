#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "tokenizer/pattern.h"

namespace pith::tokenizer {

/// Cuts a text into the words that BPE may not merge across. Immutable.
class PreTokenizer {
 public:
  /// `steps_max`: as Matcher's.
  explicit PreTokenizer(std::span<const std::string_view> patterns, Jit jit = Jit::kIfPossible,
                        std::uint32_t steps_max = 0);

  /// The words of a text of valid UTF-8, in order; together they are the text, and none is empty. The patterns apply
  /// one after the other, each to the words that those before it made: what it matches becomes a word, and so does what
  /// is left between two matches.
  ///
  /// Where a pattern meets its limits, the rest of the word is cut into windows of 64 KiB that are matched alone, and
  /// where that meets them too, into single characters: no text is lost and the work is bounded.
  std::vector<std::string_view> split(std::string_view text) const;

 private:
  std::vector<Pattern> patterns_;
  std::uint32_t steps_max_;
};

}  // namespace pith::tokenizer
