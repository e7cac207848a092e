#pragma once

#include <pith/chat_format.h>
#include <pith/token.h>
#include <pith/tokenizer.h>

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace pith::session {

/// The tokens that stand for a conversation, and how they go with its text: what is encoded of it depends on where the
/// text was cut for feeding, and replies stand there as the model wrote them.
class Transcript {
 public:
  /// Begins after these tokens, with no message yet.
  explicit Transcript(std::vector<Token> prefix);

  std::span<const Token> tokens() const noexcept { return tokens_; }

  /// That of another rendering: keeps what the two begin with, up to where a feed or a reply ended, and encodes the
  /// rest. With `parse_special`, whatever spells a special token is one.
  Transcript adapted(const Tokenizer& tokenizer, RenderedChat chat, bool parse_special) const;

  struct Shortened;
  /// That of `chat`, which goes on from this one without `bytes` bytes of its middle: the tokens of both sides stay
  /// what they are. Nothing if it is no such text, or if no token ends where it is to be cut.
  std::optional<Shortened> without(const Tokenizer& tokenizer, const RenderedChat& chat, std::size_t bytes) const;

  /// Takes a reply's tokens in, as far as they say what the last message says. So far the transcript ends where the
  /// reply begins.
  void append_reply(const Tokenizer& tokenizer, const ChatTemplate& chat_template,
                    std::span<const ChatMessage> messages, const ChatInputs& inputs, std::span<const Token> reply);

 private:
  /// The first `tokens` tokens stand for the first `bytes` bytes.
  struct Mark {
    std::size_t bytes = 0;
    std::size_t tokens = 0;
  };

  Transcript() = default;
  /// Takes a reply in as the model wrote it, so that the next rendering keeps of it what it has alike.
  void append_written(const Tokenizer& tokenizer, std::span<const Token> reply);
  /// Where tokens end: at the marks, and between them as far as pieces of tokens spell the text.
  std::vector<Mark> token_ends(const Tokenizer& tokenizer) const;
  /// Without the text and the tokens between two of them.
  Transcript joined(const Mark& from, const Mark& to, const RenderedChat& chat) const;

  RenderedChat chat_;
  std::vector<Token> tokens_;
  std::vector<Mark> marks_;  // in order; never empty
};

/// A transcript without some tokens of its middle: `count` from token `first` on.
struct Transcript::Shortened {
  Transcript transcript;
  std::size_t first = 0;
  std::size_t count = 0;
};

}  // namespace pith::session
