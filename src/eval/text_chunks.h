#pragma once

#include <pith/tokenizer.h>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pith::eval {

/// A text cut into chunks of equal length, of which the second half is scored, as llama-perplexity does: there each
/// token is predicted from at least half a chunk before it. Special tokens written in the text are plain text; where
/// the tokenizer puts BOS before a text, each chunk's first token is BOS instead of its own.
class TextChunks {
 public:
  /// The least that has a token to score in its second half.
  static constexpr int kContextMin = 4;
  static constexpr int kContextMax = 1 << 24;

  /// `name` is for errors; `chunks` 0: all that the text has. Throws Error(kInvalidArgument) if the text has fewer, or
  /// none, and for a context or a number of chunks out of range.
  TextChunks(const Tokenizer& tokenizer, std::string name, std::string_view text, int context, int chunks);

  const std::string& name() const noexcept { return name_; }
  std::size_t size() const noexcept { return count_; }
  /// Tokens in a chunk.
  std::size_t context() const noexcept { return context_; }
  std::span<const Token> operator[](std::size_t i) const { return std::span(tokens_).subspan(i * context_, context_); }
  /// The chunk's first token of which the prediction is scored: the one after it is predicted.
  std::size_t scored_from() const noexcept { return context_ / 2; }
  /// Predictions scored in a chunk: of all from there but the last, whose next token is not in the chunk.
  std::size_t scored() const noexcept { return context_ - 1 - scored_from(); }

 private:
  std::string name_;
  std::vector<Token> tokens_;
  std::size_t context_;
  std::size_t count_;
};

}  // namespace pith::eval
