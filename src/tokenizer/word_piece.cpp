#include "tokenizer/word_piece.h"

#include <array>
#include <string>

#include "base/fail.h"
#include "tokenizer/unicode.h"
#include "tokenizer/utf8.h"

namespace pith::tokenizer {
namespace {

/// BERT's tokenizers take a longer word for unknown without looking at it; no GGUF field says so.
constexpr std::size_t kWordCharactersMax = 100;

/// One after another, so that each is a word of its own.
bool is_chinese(char32_t code) noexcept {
  constexpr std::array<std::array<char32_t, 2>, 8> kRanges = {{{0x3400, 0x4DBF},
                                                               {0x4E00, 0x9FFF},
                                                               {0xF900, 0xFAFF},
                                                               {0x20000, 0x2A6DF},
                                                               {0x2A700, 0x2B73F},
                                                               {0x2B740, 0x2B81F},
                                                               // From 0x2B820 in BERT's first code, but not in the
                                                               // library that trains today's models.
                                                               {0x2B920, 0x2CEAF},
                                                               {0x2F800, 0x2FA1F}}};
  for (const auto& [first, last] : kRanges) {
    if (code >= first && code <= last) return true;
  }
  return false;
}

bool is_ascii_symbol(char32_t code) noexcept {
  return code > ' ' && code < 0x7F && !(code >= '0' && code <= '9') && !(code >= 'A' && code <= 'Z') &&
         !(code >= 'a' && code <= 'z');
}

/// Whether the character is no text to BERT. The control characters that are white space are, but for three.
bool is_cleaned_away(char32_t code) noexcept {
  if (code == '\t' || code == '\n' || code == '\r') return false;
  return code == 0xFFFD || is_other(code);
}

}  // namespace

/// What a word has so far, with the mark that tokens at its beginning have.
struct WordPieceEncoder::Word {
  std::string text{kSpaceMark};
  std::size_t characters = 0;
};

WordPieceEncoder::WordPieceEncoder(std::shared_ptr<const Vocab> tokens, const VocabSource& source)
    : Encoder(std::move(tokens), source),
      lowercase_(source.normalizer_lowercase.value_or(true)),
      strip_accents_(source.normalizer_strip_accents.value_or(lowercase_)) {
  if (vocab().unknown() < 0) fail(ErrorKind::kFormat, "{}: tokenizer.ggml.tokens has no unknown token", source.file);
  constexpr std::array<TokenType, 5> kTypes = {TokenType::kUndefined, TokenType::kNormal, TokenType::kUserDefined,
                                               TokenType::kUnused, TokenType::kByte};
  trie_ = make_trie(vocab(), source, kTypes);
}

void WordPieceEncoder::append_plain(std::string_view text, bool /*opens*/, std::vector<Token>& out) const {
  Word word;
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Scan scan = scan_utf8(text, at);
    at += scan.size;
    if (scan.state != Utf8Scan::State::kWhole || is_cleaned_away(scan.code)) continue;
    if (!strip_accents_) {
      take(scan.code, word, out);
      continue;
    }
    const Decomposition parts = decomposed(scan.code);
    for (std::size_t i = 0; i < parts.size; ++i) {
      if (!is_accent(parts.codes[i])) take(parts.codes[i], word, out);
    }
  }
  end_word(word, out);
}

void WordPieceEncoder::take(char32_t code, Word& word, std::vector<Token>& out) const {
  if (is_white_space(code)) return end_word(word, out);
  const bool alone = is_ascii_symbol(code) || is_punctuation(code) || is_chinese(code);
  if (alone) end_word(word, out);
  // A longer word is unknown whatever it is: its text is not kept.
  if (++word.characters <= kWordCharactersMax) append_utf8(lowercase_ ? lower_case(code) : code, word.text);
  if (alone) end_word(word, out);
}

void WordPieceEncoder::end_word(Word& word, std::vector<Token>& out) const {
  if (word.characters == 0) return;
  const std::size_t before = out.size();
  const std::size_t size = word.characters <= kWordCharactersMax ? word.text.size() : 0;
  std::size_t begin = 0;
  while (begin < size) {
    Token longest = -1;
    std::size_t end = begin;
    TokenTrie::Node node = TokenTrie::kRoot;
    for (std::size_t at = begin; at < size;) {
      node = trie_.next(node, static_cast<std::uint8_t>(word.text[at++]));
      if (node == TokenTrie::kRoot) break;
      if (trie_.token(node) < 0) continue;
      longest = trie_.token(node);
      end = at;
    }
    if (longest < 0) break;
    out.push_back(longest);
    begin = end;
  }
  if (size == 0 || begin < size) {
    out.resize(before);
    out.push_back(vocab().unknown());
  }
  word.text.resize(kSpaceMark.size());
  word.characters = 0;
}

}  // namespace pith::tokenizer
