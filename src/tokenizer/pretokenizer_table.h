#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "tokenizer/vocab.h"

namespace pith::tokenizer {

enum class Spaces : std::uint8_t {
  kMarked,   ///< A space is U+2581.
  kDropped,  ///< White space ends a word and goes.
};

/// What a value of tokenizer.ggml.pre stands for.
struct PreTokenizerRow {
  std::string_view name;
  std::span<const std::string_view> patterns;
  /// A word that is in the vocabulary as a whole becomes that token, whatever the merges would make of it.
  bool ignore_merges = false;
  /// Whether BOS is put first, unless the file says otherwise.
  bool add_bos = false;
  /// Spelled as SentencePiece's: text is merged from characters, and those that are no tokens become byte tokens.
  Spelling spelling = Spelling::kByteAlphabet;
  /// What becomes of spaces where tokens are spelled so.
  Spaces spaces = Spaces::kMarked;
  /// Takes a run of newlines that is a token as a whole, as ignore_merges does any word.
  bool whole_newlines = false;
  /// BOS is put first, even if the file says otherwise.
  bool always_bos = false;
};

/// Returns the row of a name (the empty name is "default"), or nullptr if the name is not known.
const PreTokenizerRow* find_pre_tokenizer(std::string_view name) noexcept;

/// Returns all names, for messages.
std::string pre_tokenizer_names();

}  // namespace pith::tokenizer
