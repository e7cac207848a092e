#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/encoder.h"
#include "tokenizer/merge_table.h"
#include "tokenizer/pretokenizer.h"
#include "tokenizer/pretokenizer_table.h"

namespace pith::tokenizer {

/// Byte-level byte pair encoding (Sennrich et al., 1508.07909; Radford et al., GPT-2). Cuts the text into words, then
/// repeatedly merges the pair of neighbours with the lowest rank in each word until no pair has one. Takes O(n log n)
/// for a word of n bytes. Some models (Gemma 4) merge characters in place of bytes, with U+2581 for a space.
class BpeEncoder final : public Encoder {
 public:
  /// Throws Error(kFormat) for merges that are missing, do not have two parts, or name tokens that are not in the
  /// vocabulary.
  BpeEncoder(std::shared_ptr<const Vocab> vocab, const VocabSource& source, const PreTokenizerRow& row);

 protected:
  /// Encodes each byte that is not UTF-8 as U+FFFD; omits bytes that have no token in the vocabulary. A character that
  /// has none becomes byte tokens.
  void append_plain(std::string_view text, bool opens, std::vector<Token>& out) const override;

 private:
  struct Workspace;

  /// Writes spaces as the vocabulary spells them.
  std::string prepared(std::string_view text) const;
  /// Returns the token that a word is as a whole, whatever its merges say; -1 if there is none.
  Token whole(std::string_view word) const;
  /// Returns the size of the unit at `at` that merging begins with: a byte or a character.
  std::size_t character_size(std::string_view word, std::size_t at) const noexcept;
  void append_word(std::string_view word, Workspace& work, std::vector<Token>& out) const;
  void merge_word(Workspace& work) const;

  PreTokenizer pre_tokenizer_;
  MergeTable merges_;
  std::array<Token, 256> byte_tokens_{};  // -1: not in the vocabulary
  bool ignore_merges_;
  bool whole_newlines_;
  bool by_bytes_;
  bool drops_spaces_;
  bool lowercase_;
};

}  // namespace pith::tokenizer
