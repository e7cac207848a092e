#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "tokenizer/encoder.h"
#include "tokenizer/token_trie.h"

namespace pith::tokenizer {

/// BERT's WordPiece (Devlin et al., 1810.04805). Normalizes the text, cuts it into words at white space and around
/// punctuation and Chinese characters, then takes the longest token that a word begins with, again and again. A word
/// that does not come out even is the unknown token as a whole. GGUF writes U+2581 before tokens that begin a word, and
/// nothing before those that go on, in place of BERT's "##". Takes time in proportion to the text.
class WordPieceEncoder final : public Encoder {
 public:
  /// Throws Error(kFormat) if the vocabulary has no unknown token.
  WordPieceEncoder(std::shared_ptr<const Vocab> vocab, const VocabSource& source);

 protected:
  /// Drops bytes that are not UTF-8, as BERT does U+FFFD.
  void append_plain(std::string_view text, bool opens, std::vector<Token>& out) const override;

 private:
  struct Word;

  /// Takes one normalized character into the word, or ends the word.
  void take(char32_t code, Word& word, std::vector<Token>& out) const;
  void end_word(Word& word, std::vector<Token>& out) const;

  TokenTrie trie_;
  bool lowercase_;
  bool strip_accents_;
};

}  // namespace pith::tokenizer
