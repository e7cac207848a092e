#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>

namespace pith::tokenizer {

/// Whether patterns are compiled to machine code (where the system allows it) or interpreted. Both match the same.
enum class Jit { kIfPossible, kNever };

struct Match {
  std::size_t begin = 0;
  std::size_t end = 0;
};

/// A regular expression over valid UTF-8 with Unicode properties, matched by PCRE2. It is written in the dialect in
/// which the tokenizers' authors publish theirs (Oniguruma), so \s is exactly the Unicode property White_Space.
/// Immutable.
class Pattern {
 public:
  /// Throws Error(kInternal) if the expression does not compile: all expressions are pith's own, none is the caller's.
  explicit Pattern(std::string_view expression, Jit jit = Jit::kIfPossible);
  ~Pattern();
  Pattern(Pattern&&) noexcept;
  Pattern& operator=(Pattern&&) noexcept;

 private:
  friend class Matcher;
  struct Code;
  std::unique_ptr<Code> code_;
};

/// The state that matching needs besides the pattern: results, limits, and the stack of compiled patterns. One per
/// thread.
class Matcher {
 public:
  /// `steps_max` limits the work of one find(). 0: PCRE2's default limit, raised in proportion for long texts.
  explicit Matcher(std::uint32_t steps_max = 0);
  ~Matcher();
  Matcher(const Matcher&) = delete;
  Matcher& operator=(const Matcher&) = delete;

  enum class Outcome { kFound, kNotFound, kGaveUp };

  /// Finds the leftmost match at or after `from`. The pattern sees nothing but `text`, which must be valid UTF-8.
  /// Returns kGaveUp if a limit of time or memory was reached.
  Outcome find(const Pattern& pattern, std::string_view text, std::size_t from, Match& match);

 private:
  struct Scratch;
  std::unique_ptr<Scratch> scratch_;
};

}  // namespace pith::tokenizer
