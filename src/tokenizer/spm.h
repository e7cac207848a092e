#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/encoder.h"

namespace pith::tokenizer {

/// SentencePiece's BPE (Kudo and Richardson, 1808.06226): of all neighbours whose joined text is a token, those with
/// the highest score are merged, the leftmost first. What is not in the vocabulary becomes byte tokens, or the unknown
/// token in a vocabulary trained without bytes. Takes O(n log n) for n characters.
class SpmEncoder final : public Encoder {
 public:
  /// Throws Error(kFormat) if scores are missing, or some but not all byte tokens, or all of them and the unknown
  /// token.
  SpmEncoder(std::shared_ptr<const Vocab> vocab, const VocabSource& source);

 protected:
  /// Each byte that is not UTF-8 becomes its byte token.
  void append_plain(std::string_view text, bool opens, std::vector<Token>& out) const override;

 private:
  struct Workspace;

  /// With the spaces that the vocabulary wants, as U+2581.
  std::string prepared(std::string_view text, bool opens) const;
  void merge(std::string_view text, Workspace& work) const;
  void append_symbol(std::string_view symbol, std::vector<Token>& out) const;

  std::array<Token, 256> byte_tokens_{};
};

}  // namespace pith::tokenizer
