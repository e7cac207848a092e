#pragma once

#include <array>
#include <memory>
#include <string_view>
#include <vector>

#include "tokenizer/encoder.h"
#include "tokenizer/merge_table.h"
#include "tokenizer/pretokenizer.h"
#include "tokenizer/pretokenizer_table.h"

namespace pith::tokenizer {

/// Byte-level byte pair encoding (Sennrich et al., 1508.07909; Radford et al., GPT-2): the text is cut into words, and
/// in each word the pair of neighbours with the lowest rank is merged until none is left. Takes O(n log n) for a word
/// of n bytes.
class BpeEncoder final : public Encoder {
 public:
  /// Throws Error(kFormat) for merges that are missing, have no two parts, or name tokens that are not in the
  /// vocabulary.
  BpeEncoder(std::shared_ptr<const Vocab> vocab, const VocabSource& source, const PreTokenizerRow& row);

 protected:
  /// Each byte that is not UTF-8 is taken as U+FFFD; bytes that the vocabulary has no token for are left out.
  void append_plain(std::string_view text, bool opens, std::vector<Token>& out) const override;

 private:
  struct Workspace;

  void append_word(std::string_view word, Workspace& work, std::vector<Token>& out) const;
  void merge_word(Workspace& work) const;

  PreTokenizer pre_tokenizer_;
  MergeTable merges_;
  std::array<Token, 256> byte_tokens_{};  // -1: the vocabulary lacks it
  bool ignore_merges_;
};

}  // namespace pith::tokenizer
