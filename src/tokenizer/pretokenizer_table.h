#pragma once

#include <span>
#include <string>
#include <string_view>

namespace pith::tokenizer {

/// What a value of tokenizer.ggml.pre stands for.
struct PreTokenizerRow {
  std::string_view name;
  std::span<const std::string_view> patterns;
  /// A word that is in the vocabulary as a whole becomes that token, whatever the merges would make of it.
  bool ignore_merges = false;
  /// Whether BOS is put first, unless the file says otherwise.
  bool add_bos = false;
};

/// Returns the row of a name (the empty name is "default"), or nullptr if the name is not known.
const PreTokenizerRow* find_pre_tokenizer(std::string_view name) noexcept;

/// Returns all names, for messages.
std::string pre_tokenizer_names();

}  // namespace pith::tokenizer
