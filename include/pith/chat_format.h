#pragma once

#include <pith/export.h>
#include <pith/tokenizer.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pith::tokenizer {
struct ChatStyle;
class ChatProgram;
}  // namespace pith::tokenizer

namespace pith::inline v0_1 {

struct ChatMessage {
  /// "system", "user", "assistant", "tool", or another name where the format has roles by name
  /// (ChatTemplate::render()).
  std::string role;
  std::string content;
  /// What else a Jinja template may read of the message, as a JSON object; empty: nothing. Its fields go over `role`
  /// and `content`: {"tool_calls": […]}, {"reasoning_content": "…"}, {"content": null}.
  std::string fields{};

  friend bool operator==(const ChatMessage&, const ChatMessage&) = default;
};

/// What a Jinja template reads beside the messages.
struct ChatInputs {
  /// Descriptions of tools and documents, as JSON arrays; empty: none.
  std::string tools{};
  std::string documents{};
  /// Further variables, as a JSON object: {"enable_thinking": false}. They go over those that pith sets.
  std::string variables{};
  /// The time that strftime_now tells, for reproducible texts; nullopt: the time of rendering.
  std::optional<std::chrono::system_clock::time_point> now{};

  friend bool operator==(const ChatInputs&, const ChatInputs&) = default;
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
  /// Strings of the caller whose places in the text are not known, since a Jinja template took them apart or wrote them
  /// otherwise. `contents` does not cover them: refuse the conversation if one of them spells a special token, as Chat
  /// does.
  std::vector<std::string> unplaced{};

  /// The text from byte `from` on for Tokenizer::encode(), cut where the author changes: what the format writes may
  /// form special tokens, what messages say may not. Views into `text`.
  std::vector<TextPart> parts(std::size_t from = 0) const;
};

/// The common families of chat formats, and kJinja: a template of no family, which is rendered as it is.
enum class ChatFormat { kNone, kChatMl, kLlama2, kLlama3, kGemma, kMistral, kPhi3, kZephyr, kJinja };

/// The format's name: "chatml", "llama3", …; "none" for a model without one.
PITH_EXPORT const char* to_string(ChatFormat format) noexcept;

/// How a conversation is written for a model: by the file's own Jinja template (tokenizer.chat_template), in the
/// environment that Hugging Face's transformers gives it, or by one of seven built-in formats.
///
/// read() takes the Jinja template as it is; in builds without Jinja (the build option PITH_JINJA) it is recognize(),
/// which finds the template's family and what the template varies inside it: a default system prompt, spaces around
/// [INST], trimming, the end token. ChatTemplate(ChatFormat) is a built-in format in every build.
///
/// A built-in format writes system, user and assistant messages, and results of tools for Qwen's ChatML and Llama 3.1.
/// There the rendering of a conversation without an open reply is a prefix of the rendering with more messages. A Jinja
/// template may write earlier messages otherwise once there are later ones.
///
/// The text of a Jinja template is the template's own, but for a BOS at its beginning where the tokenizer adds one.
///
/// Immutable; copies share their state.
class PITH_EXPORT ChatTemplate {
 public:
  /// No format: render() throws.
  ChatTemplate() = default;
  /// The family's plain form. `eos` is the text of the model's end token, which some formats write after each reply,
  /// `bos` that of the token that Llama 2 writes before each turn; empty: the family's usual ones.
  explicit ChatTemplate(ChatFormat format, std::string_view bos = {}, std::string_view eos = {});
  /// Takes a model's Jinja template. Never throws for what the template is: where it is unusable, render() does.
  /// `adds_bos`: whether the tokenizer begins a text with BOS by itself, so that the template's own is left out.
  static ChatTemplate read(std::string_view jinja, std::string_view bos = {}, std::string_view eos = {},
                           bool adds_bos = true);
  /// The built-in format that a Jinja template writes by its marks, whether or not this build has Jinja: for callers
  /// that run no program of a file. No format if pith does not recognize it.
  static ChatTemplate recognize(std::string_view jinja, std::string_view bos = {}, std::string_view eos = {});

  /// The template's family; kJinja for a Jinja template of none, and kNone if render() cannot render.
  ChatFormat format() const noexcept;
  /// Returns whether render() runs a Jinja template.
  bool is_jinja() const noexcept;
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
  /// The last two paragraphs are about built-in formats. A Jinja template reads the messages and `inputs` as it likes.
  ///
  /// Throws Error: kUnsupported without a format, for an unusable Jinja template (its line and what is wrong), and
  /// where a built-in format is given inputs or ChatMessage::fields; kInvalidArgument for a role that the format does
  /// not take or that is out of turn, for inputs that are no JSON, and where a Jinja template fails, exceeds its limits
  /// (docs/security.md) or raises an exception, whose text is the template's own.
  std::string render(std::span<const ChatMessage> messages, bool open_reply = true,
                     const ChatInputs& inputs = {}) const;
  /// The same text, and who wrote what: feed it where messages come from others.
  RenderedChat render_marked(std::span<const ChatMessage> messages, bool open_reply = true,
                             const ChatInputs& inputs = {}) const;

 private:
  std::shared_ptr<const tokenizer::ChatStyle> style_;
  std::shared_ptr<const tokenizer::ChatProgram> program_;
};

/// Recognizes the family of a Jinja template by the marks it writes. kNone if unknown.
PITH_EXPORT ChatFormat detect_chat_format(std::string_view chat_template);

/// Renders in the family's plain form: ChatTemplate(format).render().
PITH_EXPORT std::string render_chat(ChatFormat format, std::span<const ChatMessage> messages, bool open_reply = true);

}  // namespace pith::inline v0_1
