#pragma once

#include <pith/chat_format.h>
#include <pith/export.h>
#include <pith/options.h>
#include <pith/session.h>

#include <cstddef>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace pith::inline v0_1 {

/// A conversation on a session: keeps the messages, feeds only what is new. What the session has been fed is the
/// model's chat format of messages(), but for white space that the model wrote around its replies. The session belongs
/// to the conversation: what others feed to it in between is forgotten at the next say(). Not thread-safe; the session
/// must outlive it.
class PITH_EXPORT Chat {
 public:
  /// Follows on what the session holds already. Throws Error(kUnsupported) if the model's chat format is unknown.
  explicit Chat(Session& session, std::string_view system_prompt = {});

  /// Sends a user's message and streams the reply. Same contract as Session::generate(), but special tokens are always
  /// parsed. If it throws, or is cancelled before the reply begins, the message is taken back.
  ///
  /// A reply that a stop string or the callback cut may leave tokens in the session that are not part of it; then the
  /// next say() feeds the conversation from the beginning.
  Generation say(std::string_view message, const GenerateOptions& options = {}, const PieceSink& on_piece = {},
                 const std::stop_token& stop = {});

  const std::vector<ChatMessage>& messages() const noexcept { return messages_; }

 private:
  Generation reply(GenerateOptions options, const PieceSink& on_piece, const std::stop_token& stop);
  /// Makes the session hold transcript_; false if stopped.
  bool catch_up(const std::stop_token& stop);
  /// Takes the reply's tokens into transcript_ as far as they say what the last message says. `reply_begin`: what was
  /// rendered before it, in bytes.
  void settle(const std::vector<Token>& reply_tokens, std::size_t reply_begin);

  Session* session_;
  ChatTemplate template_;
  std::vector<ChatMessage> messages_;
  /// The tokens that stand for the first rendered_ bytes of the rendered conversation.
  std::vector<Token> transcript_;
  std::size_t rendered_ = 0;
};

}  // namespace pith::inline v0_1
