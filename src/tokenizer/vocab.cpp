#include "tokenizer/vocab.h"

#include <cmath>

#include "base/fail.h"
#include "base/printable.h"
#include "tokenizer/byte_alphabet.h"
#include "tokenizer/end_tokens.h"

namespace pith::tokenizer {
namespace {

/// Sixty times the number of the largest vocabularies.
constexpr std::size_t kTokensMax = std::size_t{1} << 24;
/// Ten times the length of the longest known tokens, which are runs of spaces.
constexpr std::size_t kTokenBytesMax = 4096;

void check_tokens(const VocabSource& source) {
  if (source.tokens.empty()) fail(ErrorKind::kFormat, "{}: tokenizer.ggml.tokens is missing or empty", source.file);
  if (source.tokens.size() > kTokensMax) {
    fail(ErrorKind::kFormat, "{}: tokenizer.ggml.tokens has {} entries, the limit is {}", source.file,
         source.tokens.size(), kTokensMax);
  }
  for (std::size_t i = 0; i < source.tokens.size(); ++i) {
    if (source.tokens[i].size() <= kTokenBytesMax) continue;
    fail(ErrorKind::kFormat, "{}: tokenizer.ggml.tokens[{}] has {} bytes, at most {} are allowed", source.file, i,
         source.tokens[i].size(), kTokenBytesMax);
  }
}

Token checked_id(const VocabSource& source, std::string_view key, std::optional<std::int64_t> id, Token absent) {
  const auto size = static_cast<std::int64_t>(source.tokens.size());
  if (!id) return absent < size ? absent : -1;
  if (*id < 0 || *id >= size) {
    fail(ErrorKind::kFormat, "{}: tokenizer.ggml.{} is {}, the vocabulary has {} tokens", source.file, key, *id, size);
  }
  return static_cast<Token>(*id);
}

const VocabSource& checked(const VocabSource& source) {
  check_tokens(source);
  return source;
}

void append_with_spaces(std::string_view text, std::string& out) {
  while (!text.empty()) {
    const std::size_t mark = text.find(kSpaceMark);
    out.append(text.substr(0, mark));
    if (mark == std::string_view::npos) return;
    out.push_back(' ');
    text.remove_prefix(mark + kSpaceMark.size());
  }
}

}  // namespace

Vocab::Vocab(const VocabSource& source, const VocabDefaults& defaults)
    : index_(checked(source).tokens), ends_(source.tokens.size()), spelling_(defaults.spelling) {
  if (!index_.whole()) {
    fail(ErrorKind::kFormat, "{}: tokenizer.ggml.tokens has too many colliding tokens: they were crafted to collide",
         source.file);
  }
  read_types(source);
  read_scores(source);
  for (const auto& [key, id] : source.other_ids) checked_id(source, key, id, -1);
  bos_ = checked_id(source, "bos_token_id", source.bos_token_id, defaults.bos);
  eos_ = checked_id(source, "eos_token_id", source.eos_token_id, defaults.eos);
  unknown_ = checked_id(source, "unknown_token_id", source.unknown_token_id, defaults.unknown);
  const Token separator = checked_id(source, "seperator_token_id", source.separator_token_id, defaults.separator);
  add_bos_ = (defaults.always_bos || source.add_bos_token.value_or(defaults.add_bos)) && bos_ >= 0;
  if (defaults.ends_with_separator) {
    last_ = separator;
  } else if (source.add_eos_token.value_or(defaults.add_eos)) {
    last_ = eos_;
  }
  add_space_prefix_ = defaults.fixed_space_prefix || spelling_ != Spelling::kSentencePiece
                          ? defaults.add_space_prefix
                          : source.add_space_prefix.value_or(defaults.add_space_prefix);
  remove_extra_whitespaces_ = source.remove_extra_whitespaces.value_or(false);
  mark_ends(source);
}

void Vocab::read_types(const VocabSource& source) {
  const std::size_t count = source.tokens.size();
  types_.assign(count, TokenType::kNormal);
  if (source.token_type.empty()) return;
  if (source.token_type.size() != count) {
    fail(ErrorKind::kFormat, "{}: tokenizer.ggml.token_type has {} entries, tokenizer.ggml.tokens {}", source.file,
         source.token_type.size(), count);
  }
  for (std::size_t i = 0; i < count; ++i) {
    constexpr auto kTypeMax = static_cast<std::int64_t>(TokenType::kByte);
    const std::int64_t type = source.token_type[i];
    if (type < 0 || type > kTypeMax) {
      fail(ErrorKind::kFormat, "{}: tokenizer.ggml.token_type[{}] is {}, known are 0 to {}", source.file, i, type,
           kTypeMax);
    }
    types_[i] = static_cast<TokenType>(type);
    if (types_[i] == TokenType::kByte && !byte_of_token(source.tokens[i])) {
      fail(ErrorKind::kFormat,
           "{}: tokenizer.ggml.tokens[{}] '{}' has the type of a byte token, but is not written <0x00> to <0xFF>",
           source.file, i, printable(source.tokens[i]));
    }
  }
}

void Vocab::read_scores(const VocabSource& source) {
  if (source.scores.empty()) return;
  if (source.scores.size() != source.tokens.size()) {
    fail(ErrorKind::kFormat, "{}: tokenizer.ggml.scores has {} entries, tokenizer.ggml.tokens {}", source.file,
         source.scores.size(), source.tokens.size());
  }
  for (std::size_t i = 0; i < source.scores.size(); ++i) {
    if (std::isnan(source.scores[i])) fail(ErrorKind::kFormat, "{}: tokenizer.ggml.scores[{}] is NaN", source.file, i);
  }
  scores_ = source.scores;
}

void Vocab::mark_ends(const VocabSource& source) {
  StatedEnds stated;
  stated.eos = eos_;
  stated.eot = checked_id(source, "eot_token_id", source.eot_token_id, -1);
  stated.eom = checked_id(source, "eom_token_id", source.eom_token_id, -1);
  stated.fim_pad = checked_id(source, "fim_pad_token_id", source.fim_pad_token_id, -1);
  stated.fim_repository = checked_id(source, "fim_rep_token_id", source.fim_rep_token_id, -1);
  stated.fim_separator = checked_id(source, "fim_sep_token_id", source.fim_sep_token_id, -1);
  const SpecialNames names = find_special_names(index_, stated);
  for (const Token token : names.control) types_[static_cast<std::size_t>(token)] = TokenType::kControl;
  for (const Token token : names.ends) ends_[static_cast<std::size_t>(token)] = true;
}

Token Vocab::find_plain(std::string_view wanted) const noexcept {
  const Token token = find(wanted);
  return token >= 0 && !is_special(token) ? token : -1;
}

void Vocab::append_piece(Token token, bool special, std::string& out) const {
  const std::string_view spelled = text(token);
  switch (type(token)) {
    case TokenType::kControl:
    case TokenType::kUnknown:
      if (special) out.append(spelled);
      return;
    case TokenType::kUserDefined:
      out.append(spelled);
      return;
    case TokenType::kByte:
      out.push_back(static_cast<char>(byte_of_token(spelled).value_or(0)));
      return;
    case TokenType::kUndefined:
    case TokenType::kUnused:
      return;
    case TokenType::kNormal:
      break;
  }
  if (spelling_ == Spelling::kByteAlphabet) {
    append_from_byte_alphabet(spelled, out);
  } else {
    append_with_spaces(spelled, out);
  }
}

void append_marking_spaces(std::string_view text, std::string& out) {
  for (const char c : text) {
    if (c == ' ') {
      out.append(kSpaceMark);
    } else {
      out.push_back(c);
    }
  }
}

std::optional<std::uint8_t> byte_of_token(std::string_view text) noexcept {
  if (text.size() != 6 || text.substr(0, 3) != "<0x" || text[5] != '>') return std::nullopt;
  unsigned value = 0;
  for (const char digit : text.substr(3, 2)) {
    value <<= 4U;
    if (digit >= '0' && digit <= '9') {
      value |= static_cast<unsigned>(digit - '0');
    } else if (digit >= 'A' && digit <= 'F') {
      value |= static_cast<unsigned>(digit - 'A' + 10);
    } else if (digit >= 'a' && digit <= 'f') {
      value |= static_cast<unsigned>(digit - 'a' + 10);
    } else {
      return std::nullopt;
    }
  }
  return static_cast<std::uint8_t>(value);
}

std::string byte_token(std::uint8_t byte) { return fmt::format("<0x{:02X}>", byte); }

}  // namespace pith::tokenizer
