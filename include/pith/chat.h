#pragma once

#include <pith/chat_format.h>
#include <pith/export.h>
#include <pith/generate_options.h>
#include <pith/session.h>

#include <cstddef>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace pith::inline v0_1 {

/// What a conversation does when it no longer fits into the session's context.
enum class ChatOverflow {
  /// Drops the oldest turns; the system message and the newest turn stay. A turn begins with a message that is neither
  /// the assistant's nor a tool's. The default, since a conversation must be able to go on; Chat::dropped() counts.
  kDropOldest,
  /// The same turns go, but nothing is computed again: they are taken out of the session (Session::drop()), and what
  /// followed them stays as it is, having seen them. The next reply comes at once. Where that cannot be, since the
  /// format
  /// writes the rest otherwise without them or since the session does not drop, it is kDropOldest.
  kShift,
  /// Throws Error(kContextFull) and changes nothing: drop or edit messages, and go on.
  kError,
  /// The session's eviction policy makes room, and every message stays. The constructor throws Error(kInvalidArgument)
  /// if the session does not evict.
  kEvict,
};

struct ChatOptions {
  /// The system message; empty: none, but for one that the model's format puts in by itself.
  std::string system{};
  /// What was said before: examples, or a conversation to continue. `system` stands in front of it.
  std::vector<ChatMessage> messages{};
  ChatOverflow overflow = ChatOverflow::kDropOldest;
  /// With kDropOldest and kShift, tokens that a prompt leaves free for its reply, so that it is not cut short; 0: as
  /// many as it may have (GenerateOptions::tokens_max), a quarter of the context at most.
  int reserve = 0;
  /// With kDropOldest and kShift, turns are dropped until the prompt takes at most this share of the context, in (0,
  /// 1]. Lower: less is remembered, but turns are dropped less often, and with kDropOldest the rest is computed again.
  double keep_share = 0.5;
  /// With kDropOldest and kShift, so many of `messages` are never dropped, and the rest of their turn with them.
  std::size_t keep_messages = 0;
  /// Tokens at the session's beginning that stay in front of the conversation; -1: all that it holds. With 0 a restored
  /// session goes on with the conversation that it was saved with: give it the same messages.
  int prefix_tokens = -1;
  /// Special tokens that a message spells ("<|im_end|>") are read as such. Leave it off where messages come from
  /// others: who can end a turn can speak as somebody else.
  bool parse_special = false;
  /// Tools, documents and variables that the model's Jinja template reads.
  ChatInputs inputs{};
};

/// A conversation on a session: keeps the messages, feeds only what is new. What the session has been fed is the
/// model's chat format of messages(), but for white space that the model wrote around its replies. Messages are text:
/// they form no special tokens (ChatOptions::parse_special). Formats whose marks are text themselves, "[INST]" of Llama
/// 2 or "<|user|>" of Zephyr, cannot be told from a message that spells them.
///
/// Messages may be changed at any time. The next reply finds how far the session still holds the conversation, goes
/// back to there with Session::truncate() and feeds the rest. Where the session refuses to go back, because compact()
/// evicted something, it is reset and the conversation fed anew, ChatOptions::prefix_tokens included; a session with an
/// eviction policy computes again what it keeps.
///
/// The session belongs to the conversation: what others feed to it in between is forgotten at the next reply. A session
/// that evicts (Session::evicts()) is never full, so no rule applies to it. Not thread-safe; the session must outlive
/// it.
class PITH_EXPORT Chat {
 public:
  /// Throws Error: kUnsupported if the model's chat format is unknown or its template unusable, kInvalidArgument for
  /// messages that it does not take and for options out of range.
  Chat(Session& session, ChatOptions options);
  /// The conversation continues after what the session already holds. Throws as above.
  explicit Chat(Session& session, std::string_view system_prompt = {});
  ~Chat();
  Chat(Chat&&) noexcept;
  Chat& operator=(Chat&&) noexcept;

  /// Sends a user's message and streams the reply: append() and reply(). If it throws, or is cancelled before the reply
  /// begins, the message is taken back.
  Generation say(std::string_view message, const GenerateOptions& options = {}, const PieceSink& on_piece = {},
                 const std::stop_token& stop = {});

  /// Generates the assistant's reply to the messages as they are. Same contract as Session::generate(), but
  /// GenerateOptions::parse_special is not read, and Generation::prompt_tokens and prompt_seconds tell all that was fed
  /// for the reply; what going back computed again is in the seconds. If it throws, or is cancelled before the reply
  /// begins, messages() are what they were.
  ///
  /// Throws as generate() does, kInvalidArgument if there is nothing to reply to (no message but a system message, or
  /// the last one is the assistant's), and kContextFull if the conversation does not fit and may not be made to.
  Generation reply(const GenerateOptions& options = {}, const PieceSink& on_piece = {},
                   const std::stop_token& stop = {});

  /// Takes the assistant's last message back and generates another; the same one if sampling and seed are the same. If
  /// it throws, or is cancelled before the reply begins, the old one stays. Throws as reply() does, and
  /// kInvalidArgument if the last message is not the assistant's.
  Generation regenerate(const GenerateOptions& options = {}, const PieceSink& on_piece = {},
                        const std::stop_token& stop = {});

  /// The conversation, the system message included.
  const std::vector<ChatMessage>& messages() const noexcept;
  /// These change messages() and nothing else. They throw Error(kInvalidArgument) for an index outside, and where the
  /// format does not take what would be left, as ChatTemplate::render() does; then nothing has changed.
  void set_messages(std::vector<ChatMessage> messages);
  void append(ChatMessage message);
  void edit(std::size_t index, std::string content);
  void drop(std::size_t first, std::size_t count);
  void pop_back();

  /// Messages that ChatOverflow::kDropOldest or kShift has dropped so far.
  std::size_t dropped() const noexcept;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pith::inline v0_1
