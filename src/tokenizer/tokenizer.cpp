#include <pith/tokenizer.h>

#include <utility>

#include "base/fail.h"
#include "tokenizer/encoder.h"
#include "tokenizer/vocab.h"

namespace pith {

Tokenizer::Tokenizer(std::shared_ptr<const tokenizer::Vocab> vocab, std::shared_ptr<const tokenizer::Encoder> encoder)
    : vocab_(std::move(vocab)), encoder_(std::move(encoder)) {}

std::vector<Token> Tokenizer::encode(std::string_view text, const EncodeOptions& options) const {
  const TextPart whole = {text, true};
  return encoder_->encode(std::span(&whole, 1), options);
}

std::vector<Token> Tokenizer::encode(std::span<const TextPart> parts, const EncodeOptions& options) const {
  return encoder_->encode(parts, options);
}

std::string Tokenizer::decode(std::span<const Token> tokens, bool special) const {
  std::string text;
  bool at_start = true;
  for (const Token token : tokens) text.append(continued(token, special, at_start));
  return text;
}

std::string Tokenizer::piece(Token token, bool special) const {
  if (!vocab_->contains(token)) {
    fail(ErrorKind::kInvalidArgument, "token {} is not in the vocabulary of {} tokens", token, vocab_->size());
  }
  std::string bytes;
  vocab_->append_piece(token, special, bytes);
  return bytes;
}

std::string Tokenizer::continued(Token token, bool special, bool& at_start) const {
  std::string bytes = piece(token, special);
  if (bytes.empty()) return bytes;
  // Removes the space that encode() put before the text.
  const bool added = at_start && vocab_->add_space_prefix() && !vocab_->is_special(token) && bytes.front() == ' ';
  if (added) bytes.erase(0, 1);
  at_start = false;
  return bytes;
}

int Tokenizer::vocab_size() const noexcept { return static_cast<int>(vocab_->size()); }
Token Tokenizer::bos() const noexcept { return vocab_->bos(); }
Token Tokenizer::eos() const noexcept { return vocab_->eos(); }
bool Tokenizer::is_end_of_generation(Token token) const noexcept {
  return vocab_->contains(token) && vocab_->is_end(token);
}
bool Tokenizer::is_special(Token token) const noexcept { return vocab_->contains(token) && vocab_->is_special(token); }
Token Tokenizer::find(std::string_view text) const noexcept { return vocab_->find(text); }

}  // namespace pith
