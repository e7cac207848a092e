#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace pith::quantize {

/// A caller's regular expression over tensors' names, matched by PCRE2 within limits. Immutable.
class NamePattern {
 public:
  /// Throws Error(kInvalidArgument) naming the expression and what is wrong with it.
  explicit NamePattern(std::string expression);

  /// Returns whether it matches any part of the name. Throws Error(kInvalidArgument) if that takes too many steps.
  bool matches(std::string_view name) const;

  const std::string& expression() const noexcept { return expression_; }

 private:
  struct Code;

  std::string expression_;
  std::shared_ptr<const Code> code_;
};

}  // namespace pith::quantize
