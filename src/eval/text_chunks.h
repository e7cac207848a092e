#pragma once

#include <pith/tokenizer.h>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pith::eval {

/// A text split into chunks of equal length, of which the second half is scored, as llama-perplexity does: each token
/// there is predicted from at least half a chunk before it. Special tokens written in the text are plain text. If the
/// tokenizer puts BOS before a text, each chunk's first token is replaced by BOS.
class TextChunks {
 public:
  /// The smallest context that has a token to score in its second half.
  static constexpr int kContextMin = 4;
  static constexpr int kContextMax = 1 << 24;

  /// `name` is for errors; `chunks` 0 means all that the text has. Throws Error(kInvalidArgument) if the text has fewer
  /// chunks, or none, and for a context or a number of chunks out of range.
  TextChunks(const Tokenizer& tokenizer, std::string name, std::string_view text, int context, int chunks);

  const std::string& name() const noexcept { return name_; }
  std::size_t size() const noexcept { return count_; }
  /// Tokens per chunk.
  std::size_t context() const noexcept { return context_; }
  std::span<const Token> operator[](std::size_t i) const { return std::span(tokens_).subspan(i * context_, context_); }
  /// Index in a chunk of the first token whose prediction is scored. The token after it is the predicted one.
  std::size_t scored_from() const noexcept { return context_ / 2; }
  /// Predictions scored per chunk: those from there on but the last, whose next token is not in the chunk.
  std::size_t scored() const noexcept { return context_ - 1 - scored_from(); }

 private:
  std::string name_;
  std::vector<Token> tokens_;
  std::size_t context_;
  std::size_t count_;
};

}  // namespace pith::eval
