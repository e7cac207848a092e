#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/charsmap.h"
#include "tokenizer/encoder.h"
#include "tokenizer/token_trie.h"

namespace pith::tokenizer {

/// SentencePiece's unigram language model (Kudo, 1804.10959), as T5 has it. Normalizes the text by its charsmap, then
/// finds the tokens whose scores have the highest sum (Viterbi). What no token covers becomes the unknown token, one
/// for neighbouring characters. Takes time in proportion to the text times the longest token.
class UnigramEncoder final : public Encoder {
 public:
  /// Throws Error(kFormat) if scores are missing or infinite, if there is no unknown token, or for a charsmap that is
  /// damaged (charsmap.h).
  UnigramEncoder(std::shared_ptr<const Vocab> vocab, const VocabSource& source);

 protected:
  /// Takes each byte that is not UTF-8 for U+FFFD. Throws Error(kInvalidArgument) if normalizing the text makes 1 GiB
  /// of it or more.
  void append_plain(std::string_view text, bool opens, std::vector<Token>& out) const override;

 private:
  std::string normalized(std::string_view text) const;

  Charsmap charsmap_;
  TokenTrie trie_;
  std::vector<double> scores_;
  double unknown_score_ = 0;
};

}  // namespace pith::tokenizer
