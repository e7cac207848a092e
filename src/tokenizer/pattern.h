#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>

namespace pith::tokenizer {

/// Whether patterns are compiled to machine code (where the system allows it) or interpreted; both match the same.
enum class Jit { kIfPossible, kNever };

struct Match {
  std::size_t begin = 0;
  std::size_t end = 0;
};

/// A regular expression over valid UTF-8 with Unicode properties, by PCRE2. Written as the tokenizers' authors publish
/// them (Oniguruma's dialect), so \s is exactly the Unicode property White_Space. Immutable.
class Pattern {
 public:
  /// Throws Error(kInternal) if the expression does not compile: expressions are pith's own, not the caller's.
  explicit Pattern(std::string_view expression, Jit jit = Jit::kIfPossible);
  ~Pattern();
  Pattern(Pattern&&) noexcept;
  Pattern& operator=(Pattern&&) noexcept;

 private:
  friend class Matcher;
  struct Code;
  std::unique_ptr<Code> code_;
};

/// What matching needs besides the pattern: results, limits, the stack of compiled patterns. One a thread.
class Matcher {
 public:
  /// `steps_max` bounds the work of one find(); 0: PCRE2's own bound, or in proportion to long texts.
  explicit Matcher(std::uint32_t steps_max = 0);
  ~Matcher();
  Matcher(const Matcher&) = delete;
  Matcher& operator=(const Matcher&) = delete;

  enum class Outcome { kFound, kNotFound, kGaveUp };

  /// The leftmost match at or after `from`. `text` is all that the pattern sees: it must be valid UTF-8. kGaveUp: a
  /// limit of time or memory was met.
  Outcome find(const Pattern& pattern, std::string_view text, std::size_t from, Match& match);

 private:
  struct Scratch;
  std::unique_ptr<Scratch> scratch_;
};

}  // namespace pith::tokenizer
