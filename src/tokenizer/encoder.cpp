#include "tokenizer/encoder.h"

#include <algorithm>
#include <array>

#include "base/fail.h"

namespace pith::tokenizer {
namespace {

constexpr std::size_t kTextMax = std::size_t{1} << 30;
/// A vocabulary of a quarter million tokens that are all special has half of it; real ones have a hundredth.
constexpr std::size_t kSpecialBytesMax = std::size_t{4} << 20;

std::string lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

/// Phi-3's special tokens take the white space after them along, but for three. No GGUF field says so, so the model's
/// name must do, as in llama.cpp.
bool strips_right(const VocabSource& source, std::string_view token) {
  const std::string name = lower(source.name);
  if (name.find("phi-3") == std::string::npos && name.find("phi3") == std::string::npos) return false;
  constexpr std::array<std::string_view, 3> kExcept = {"<unk>", "<s>", "<|endoftext|>"};
  return std::find(kExcept.begin(), kExcept.end(), token) == kExcept.end();
}

/// So do the mask tokens of these on their left.
bool strips_left(const VocabSource& source, std::string_view token) {
  constexpr std::array<std::string_view, 3> kPre = {"jina-v2-de", "jina-v2-es", "jina-v2-code"};
  return token == "<mask>" && std::find(kPre.begin(), kPre.end(), source.pre) != kPre.end();
}

}  // namespace

Encoder::Encoder(std::shared_ptr<const Vocab> vocab, const VocabSource& source) : vocab_(std::move(vocab)) {
  std::vector<SpecialToken> user_defined;
  std::vector<SpecialToken> all;
  for (std::size_t i = 0; i < vocab_->size(); ++i) {
    const auto token = static_cast<Token>(i);
    const bool is_user_defined = vocab_->type(token) == TokenType::kUserDefined;
    if (!is_user_defined && !vocab_->is_special(token)) continue;
    const std::string_view text = vocab_->text(token);
    const SpecialToken special = {token, text, strips_left(source, text), strips_right(source, text)};
    if (is_user_defined) user_defined.push_back(special);
    all.push_back(special);
  }
  std::size_t bytes = 0;
  for (const SpecialToken& special : all) bytes += special.text.size();
  if (bytes > kSpecialBytesMax) {
    fail(ErrorKind::kFormat, "{}: tokenizer.ggml.tokens has {} special ones of {} bytes, at most {} bytes are allowed",
         source.file, all.size(), bytes, kSpecialBytesMax);
  }
  always_ = SpecialMatcher(std::move(user_defined));
  everything_ = SpecialMatcher(std::move(all));
}

std::vector<Token> Encoder::encode(std::string_view text, const EncodeOptions& options) const {
  if (text.size() >= kTextMax) {
    fail(ErrorKind::kInvalidArgument, "text to encode has {} bytes, the limit is {}", text.size(), kTextMax);
  }
  std::vector<Token> tokens;
  if (options.add_special && vocab_->add_bos()) tokens.push_back(vocab_->bos());
  bool opens = true;
  const SpecialMatcher& matcher = options.parse_special ? everything_ : always_;
  for (const Fragment& fragment : matcher.cut(text)) {
    if (fragment.token >= 0) {
      tokens.push_back(fragment.token);
    } else {
      append_plain(fragment.text, opens, tokens);
    }
    opens = fragment.token >= 0;
  }
  if (options.add_special && vocab_->add_eos()) tokens.push_back(vocab_->eos());
  return tokens;
}

}  // namespace pith::tokenizer
