#pragma once

#include <pith/chat.h>

#include <cstddef>
#include <span>
#include <vector>

#include "session/chat_transcript.h"

namespace pith {

/// What a conversation consists of. Nothing of it changes before a reply has begun.
class Chat::Impl {
 public:
  Impl(Session& session, ChatOptions options);

  /// Replies to these messages, which then are the conversation, with the reply.
  Generation reply(std::vector<ChatMessage> messages, const GenerateOptions& options, const PieceSink& on_piece,
                   const std::stop_token& stop);
  /// Throws if the format does not take them.
  void set_messages(std::vector<ChatMessage> messages);
  const std::vector<ChatMessage>& messages() const noexcept { return messages_; }
  std::size_t dropped() const noexcept { return dropped_; }

 private:
  /// A conversation that fits.
  struct Plan {
    std::vector<ChatMessage> messages;
    session::Transcript transcript;
    std::size_t dropped = 0;
    /// Tokens that the session is to drop first: `count` from `first` on.
    std::size_t first = 0, count = 0;
  };

  /// The conversation up to where a reply begins. Throws if text that cannot be told from the format's spells a special
  /// token.
  RenderedChat rendered(std::span<const ChatMessage> messages) const;
  session::Transcript transcript_of(std::span<const ChatMessage> messages) const;
  /// Drops turns where it must and may. Throws Error(kContextFull) if that does not do.
  Plan fitted(std::vector<ChatMessage> messages, const GenerateOptions& options) const;
  Plan without_old_turns(const std::vector<ChatMessage>& messages, std::size_t tokens_most) const;
  /// Makes a plan go on from what the session holds without the turns that it drops, if that can be.
  void shift(Plan& plan) const;
  /// Does what a plan says about the session's tokens. Returns whether it could.
  bool drop(const Plan& plan);
  /// Tokens that are to be free for a reply.
  std::size_t reserve(const GenerateOptions& options) const;
  struct Fed {
    int tokens = 0;  ///< Fewer than were missing if stopped.
    int recomputed = 0;
  };
  /// Makes the session hold these tokens.
  Fed feed_missing(std::span<const Token> wanted, bool failed_before, const std::stop_token& stop);
  /// The session is left with the first `tokens` at most. Returns how many were computed again.
  int go_back(std::size_t tokens);

  Session* session_;
  ChatTemplate template_;
  ChatOptions options_;  // without the messages
  std::vector<ChatMessage> messages_;
  session::Transcript transcript_;
  std::size_t dropped_ = 0;
  /// Whether the last reply threw: then the session may hold tokens without the logits after them.
  bool failed_ = false;
};

}  // namespace pith
