#pragma once

#include <pith/tokenizer.h>

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "tokenizer/special_matcher.h"
#include "tokenizer/vocab.h"

namespace pith::tokenizer {

/// Text to tokens: cuts the text at special tokens, hands what lies between to append_plain(), adds BOS and EOS.
/// Immutable.
class Encoder {
 public:
  /// Throws Error(kFormat) for special tokens whose texts are megabytes long together.
  Encoder(std::shared_ptr<const Vocab> vocab, const VocabSource& source);
  virtual ~Encoder() = default;
  Encoder(const Encoder&) = delete;
  Encoder& operator=(const Encoder&) = delete;

  /// Throws Error(kInvalidArgument) for parts of 1 GiB or more together.
  std::vector<Token> encode(std::span<const TextPart> parts, const EncodeOptions& options) const;

 protected:
  /// Appends the tokens of a text without special tokens. `opens`: it is at the very start or follows a special token.
  virtual void append_plain(std::string_view text, bool opens, std::vector<Token>& out) const = 0;

  const Vocab& vocab() const noexcept { return *vocab_; }

 private:
  /// `text`: the parts' texts, one after another.
  std::vector<Fragment> cut(std::string_view text, std::span<const TextPart> parts, bool parse_special) const;

  std::shared_ptr<const Vocab> vocab_;
  SpecialMatcher always_;      // user-defined tokens
  SpecialMatcher everything_;  // control tokens too
};

}  // namespace pith::tokenizer
