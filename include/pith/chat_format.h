#pragma once

#include <pith/export.h>
#include <pith/tokenizer.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pith::tokenizer {
struct ChatStyle;
}  // namespace pith::tokenizer

namespace pith::inline v0_1 {

struct ChatMessage {
  /// "system", "user", "assistant", "tool", or another name where the format has roles by name
  /// (ChatTemplate::render()).
  std::string role;
  std::string content;

  friend bool operator==(const ChatMessage&, const ChatMessage&) = default;
};

/// A conversation as the model reads it, and which bytes of it come from messages.
struct PITH_EXPORT RenderedChat {
  /// Bytes [begin, end) of the text.
  struct Range {
    std::size_t begin = 0;
    std::size_t end = 0;

    friend bool operator==(const Range&, const Range&) = default;
  };

  std::string text;
  /// The contents of messages, and the names of roles that are not the format's own: in order, apart, none empty. All
  /// else is the format's.
  std::vector<Range> contents{};

  /// The text from byte `from` on for Tokenizer::encode(), cut where the author changes: what the format writes may
  /// form special tokens, what messages say may not. Views into `text`.
  std::vector<TextPart> parts(std::size_t from = 0) const;
};

/// The common families of chat formats.
enum class ChatFormat { kNone, kChatMl, kLlama2, kLlama3, kGemma, kMistral, kPhi3, kZephyr };

/// The format's name: "chatml", "llama3", …; "none" for a model without one.
PITH_EXPORT const char* to_string(ChatFormat format) noexcept;

/// How a conversation is written for a model: the family of its Jinja template (the file's tokenizer.chat_template),
/// and what the template varies inside the family: a default system prompt, spaces around [INST], trimming, the end
/// token. The text is the template's own for conversations of system, user and assistant messages, and for results of
/// tools where ChatML (Qwen) and Llama 3.1 write them; descriptions of tools, calls as data and reasoning are not
/// rendered.
///
/// The rendering of a conversation without an open reply is a prefix of the rendering with more messages, so what was
/// fed to a session stays valid. Where a template breaks that (Mistral's v3 moves the system message to the last user
/// turn, Phi-3 ends with an end token, Qwen closes a turn of tool results that may go on) the text that keeps it is
/// written. Llama 3.1 is given the date that its template
/// falls back to, not today's.
///
/// Immutable; copies share their state.
class PITH_EXPORT ChatTemplate {
 public:
  /// No format: render() throws.
  ChatTemplate() = default;
  /// The family's plain form. `eos` is the text of the model's end token, which some formats write after each reply,
  /// `bos` that of the token that Llama 2 writes before each turn; empty: the family's usual ones.
  explicit ChatTemplate(ChatFormat format, std::string_view bos = {}, std::string_view eos = {});
  /// Recognizes a Jinja template by the marks it writes.
  static ChatTemplate read(std::string_view jinja, std::string_view bos = {}, std::string_view eos = {});

  ChatFormat format() const noexcept;
  /// The system message put into a conversation that has none; nullopt: none is.
  std::optional<std::string> default_system() const;

  /// The prompt text of a conversation, special tokens spelled out, the first BOS left to the tokenizer. With
  /// `open_reply`, ends where the assistant's reply begins. Formats without system messages (Gemma) have them in the
  /// first user turn.
  ///
  /// ChatML, Llama 3, Phi-3 and Zephyr name the role in front of each message and take any name of at most 64 ASCII
  /// letters, digits, '_', '-', '.', '=' and single spaces inside it. A "tool" (or "ipython") message is written as the
  /// template does: Qwen's in <tool_response> inside a user turn, Llama 3.1's as a JSON string of "ipython"; else under
  /// its name. Llama 2, Gemma and Mistral have system, user and assistant only, the latter two in turn.
  ///
  /// Throws Error: kUnsupported without a format, kInvalidArgument for a role that the format does not take, or that is
  /// out of turn.
  std::string render(std::span<const ChatMessage> messages, bool open_reply = true) const;
  /// The same text, and who wrote what: feed it where messages come from others.
  RenderedChat render_marked(std::span<const ChatMessage> messages, bool open_reply = true) const;

 private:
  std::shared_ptr<const tokenizer::ChatStyle> style_;
};

/// Recognizes the family of a Jinja template by the marks it writes. kNone if unknown.
PITH_EXPORT ChatFormat detect_chat_format(std::string_view chat_template);

/// Renders in the family's plain form: ChatTemplate(format).render().
PITH_EXPORT std::string render_chat(ChatFormat format, std::span<const ChatMessage> messages, bool open_reply = true);

}  // namespace pith::inline v0_1
