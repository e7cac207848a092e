#pragma once

#include <pith/token.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tokenizer/text_index.h"

namespace pith::tokenizer {

/// What a file states about its tokenizer, unchecked: the values of tokenizer.ggml.* under the same names. An empty
/// array or optional is an absent key. The views must stay valid until the tokenizer is made.
struct VocabSource {
  /// The path, for messages.
  std::string file;
  /// general.name. Phi-3's special tokens absorb the white space after them, and no other field tells that model.
  std::string name;
  /// general.architecture. The mask tokens of some absorb the white space before them.
  std::string architecture;
  std::string model;
  std::string pre;
  std::vector<std::string_view> tokens;
  std::vector<float> scores;
  std::vector<std::int64_t> token_type;
  std::vector<std::string_view> merges;
  std::optional<std::int64_t> bos_token_id;
  std::optional<std::int64_t> eos_token_id;
  std::optional<std::int64_t> eot_token_id;
  std::optional<std::int64_t> eom_token_id;
  std::optional<std::int64_t> unknown_token_id;
  /// The file spells it "seperator".
  std::optional<std::int64_t> separator_token_id;
  std::optional<std::int64_t> fim_pad_token_id;
  std::optional<std::int64_t> fim_rep_token_id;
  std::optional<std::int64_t> fim_sep_token_id;
  /// All ids of special tokens that the file states, by key ("padding_token_id"). Each must be a valid id, needed or
  /// not.
  std::vector<std::pair<std::string_view, std::int64_t>> other_ids;
  std::optional<bool> add_bos_token;
  std::optional<bool> add_eos_token;
  std::optional<bool> add_space_prefix;
  std::optional<bool> remove_extra_whitespaces;
  std::optional<bool> normalizer_lowercase;
  std::optional<bool> normalizer_strip_accents;
  /// How Unigram rewrites characters (charsmap.h).
  std::span<const std::byte> precompiled_charsmap;
};

/// Numbered as in tokenizer.ggml.token_type.
enum class TokenType : std::uint8_t {
  kUndefined = 0,
  kNormal = 1,
  kUnknown = 2,
  kControl = 3,      ///< Structure: BOS, <|im_start|>. Its spelling in a text is plain text unless asked for.
  kUserDefined = 4,  ///< Always matched as a whole, before anything else.
  kUnused = 5,
  kByte = 6,  ///< One byte, written <0x41>.
};

/// How tokens are spelled.
enum class Spelling : std::uint8_t {
  kByteAlphabet,   ///< Each byte is a printable character (byte_alphabet.h).
  kSentencePiece,  ///< UTF-8 with U+2581 for a space, and perhaps tokens for single bytes.
};

/// U+2581, which stands for a space in SentencePiece.
inline constexpr std::string_view kSpaceMark = "\xE2\x96\x81";

/// Values for what the file leaves open, by the kind of tokenizer.
struct VocabDefaults {
  Spelling spelling = Spelling::kByteAlphabet;
  bool add_bos = false;
  bool add_eos = false;
  bool add_space_prefix = false;
  /// BOS is put first, whatever the file says.
  bool always_bos = false;
  /// The separator is put last, whatever the file says, in place of EOS.
  bool ends_with_separator = false;
  /// Whether a space is put first is as above, whatever the file says.
  bool fixed_space_prefix = false;
  Token bos = -1;
  Token eos = -1;
  Token unknown = -1;
  Token separator = -1;
};

/// The tokens of a model: texts, types, scores, and which of them are special. Immutable after construction.
class Vocab {
 public:
  /// Throws Error(kFormat) naming file, key, value and limit: no tokens or too many, tokens that are too long, arrays
  /// of unequal length, types or ids out of range, scores that are NaN, byte tokens that name no byte.
  Vocab(const VocabSource& source, const VocabDefaults& defaults);

  std::size_t size() const noexcept { return types_.size(); }
  bool contains(Token token) const noexcept { return token >= 0 && static_cast<std::size_t>(token) < size(); }
  /// Returns the token's text as the file spells it.
  std::string_view text(Token token) const noexcept { return index_.text(token); }
  TokenType type(Token token) const noexcept { return types_[static_cast<std::size_t>(token)]; }
  /// Returns 0 if the file has no scores.
  float score(Token token) const noexcept { return scores_.empty() ? 0.0F : scores_[static_cast<std::size_t>(token)]; }
  /// Returns the token with this spelling, the last one among equals; -1 if there is none.
  Token find(std::string_view text) const noexcept { return index_.find(text); }
  /// As find(), but returns -1 for control and unknown tokens, which plain text must not become.
  Token find_plain(std::string_view text) const noexcept;
  std::size_t longest_text() const noexcept { return index_.longest(); }

  /// Returns whether the token is control or unknown, and so has no text of its own.
  bool is_special(Token token) const noexcept {
    return type(token) == TokenType::kControl || type(token) == TokenType::kUnknown;
  }
  bool is_end(Token token) const noexcept { return ends_[static_cast<std::size_t>(token)]; }

  Spelling spelling() const noexcept { return spelling_; }
  Token bos() const noexcept { return bos_; }
  Token eos() const noexcept { return eos_; }
  Token unknown() const noexcept { return unknown_; }
  bool add_bos() const noexcept { return add_bos_; }
  /// The token that is put last; -1 if none is.
  Token last() const noexcept { return last_; }
  /// Whether a space goes before a text, and before text that follows a special token.
  bool add_space_prefix() const noexcept { return add_space_prefix_; }
  bool remove_extra_whitespaces() const noexcept { return remove_extra_whitespaces_; }

  /// Appends the bytes that a token stands for. Special tokens are appended as spelled if `special`, else omitted.
  void append_piece(Token token, bool special, std::string& out) const;

 private:
  void read_types(const VocabSource& source);
  void read_scores(const VocabSource& source);
  void mark_ends(const VocabSource& source);

  TextIndex index_;
  std::vector<TokenType> types_;
  std::vector<float> scores_;
  std::vector<bool> ends_;
  Spelling spelling_;
  Token bos_ = -1;
  Token eos_ = -1;
  Token unknown_ = -1;
  Token last_ = -1;
  bool add_bos_ = false;
  bool add_space_prefix_ = false;
  bool remove_extra_whitespaces_ = false;
};

/// Appends a text with U+2581 for each space.
void append_marking_spaces(std::string_view text, std::string& out);

/// Returns the byte that a token "<0x41>" names; nullopt for any other text.
std::optional<std::uint8_t> byte_of_token(std::string_view text) noexcept;

/// Returns "<0x41>" for 0x41.
std::string byte_token(std::uint8_t byte);

}  // namespace pith::tokenizer
