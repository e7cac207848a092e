#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/encoder.h"

namespace pith::tokenizer {

/// SentencePiece's BPE (Kudo and Richardson, 1808.06226). Repeatedly merges the neighbours whose joined text is the
/// token with the highest score, the leftmost first. Text that is not in the vocabulary becomes byte tokens, or the
/// unknown token if the vocabulary was trained without bytes. Takes O(n log n) for n characters.
class SpmEncoder final : public Encoder {
 public:
  /// Throws Error(kFormat) if scores are missing, if some byte tokens are missing but not all, or if all of them and
  /// the unknown token are.
  SpmEncoder(std::shared_ptr<const Vocab> vocab, const VocabSource& source);

 protected:
  /// Encodes each byte that is not UTF-8 as its byte token.
  void append_plain(std::string_view text, bool opens, std::vector<Token>& out) const override;

 private:
  struct Workspace;

  /// Adds and removes spaces as the vocabulary wants, and replaces them by U+2581.
  std::string prepared(std::string_view text, bool opens) const;
  void merge(std::string_view text, Workspace& work) const;
  void append_symbol(std::string_view symbol, std::vector<Token>& out) const;

  std::array<Token, 256> byte_tokens_{};
};

}  // namespace pith::tokenizer
