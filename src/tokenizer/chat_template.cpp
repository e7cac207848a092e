#include <pith/chat_format.h>

#include <utility>

#include "base/fail.h"
#include "tokenizer/chat_style.h"
#include "tokenizer/utf8.h"

namespace pith::inline v0_1 {
namespace {

using tokenizer::ChatStyle;
using tokenizer::scan_utf8;
using tokenizer::Trim;
using tokenizer::Utf8Scan;

/// As Python's str.strip() has it, which Jinja's trim is.
bool is_python_space(char32_t code) noexcept {
  return (code >= 0x09 && code <= 0x0D) || (code >= 0x1C && code <= 0x20) || code == 0x85 || code == 0xA0 ||
         code == 0x1680 || (code >= 0x2000 && code <= 0x200A) || code == 0x2028 || code == 0x2029 || code == 0x202F ||
         code == 0x205F || code == 0x3000;
}

std::string_view stripped(std::string_view text) noexcept {
  std::size_t begin = std::string_view::npos;
  std::size_t end = 0;
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Scan scan = scan_utf8(text, at);
    const bool space = scan.state == Utf8Scan::State::kWhole && is_python_space(scan.code);
    if (!space && begin == std::string_view::npos) begin = at;
    at += scan.size;
    if (!space) end = at;
  }
  return begin == std::string_view::npos ? std::string_view() : text.substr(begin, end - begin);
}

std::string_view trimmed(std::string_view text, Trim trim) noexcept {
  return trim == Trim::kContent ? stripped(text) : text;
}

/// Writes a conversation in a style.
class Renderer {
 public:
  explicit Renderer(const ChatStyle& style) : style_(style) {}

  std::string render(std::span<const ChatMessage> messages, bool open_reply) {
    messages = take_system(messages);
    for (std::size_t i = 0; i < messages.size(); ++i) {
      if (style_.alternates) check_turn(messages[i], i);
      append(messages[i]);
    }
    if (open_reply) out_.append(style_.reply_prompt);
    return std::move(out_);
  }

 private:
  /// The first system message, written or kept for the first user turn; returns the messages after it.
  std::span<const ChatMessage> take_system(std::span<const ChatMessage> messages) {
    const bool has_own = !messages.empty() && messages.front().role == "system";
    if (!has_own && !style_.default_system) return messages;
    const std::string& content = has_own ? messages.front().content : *style_.default_system;
    pending_ = system_block(content, style_.system_preamble);
    if (!style_.system_in_user) out_.append(std::exchange(pending_, {}));
    return has_own ? messages.subspan(1) : messages;
  }

  std::string system_block(std::string_view content, std::string_view preamble) const {
    if (content.empty() && style_.skips_empty_system) return {};
    std::string block = style_.system_open;
    return block.append(preamble).append(trimmed(content, style_.trim_system)).append(style_.system_close);
  }

  static void check_turn(const ChatMessage& message, std::size_t turn) {
    const std::string_view expected = turn % 2 == 0 ? "user" : "assistant";
    if (message.role == expected) return;
    fail(ErrorKind::kInvalidArgument,
         "message {} after the system message has the role '{}': in this chat format user and assistant alternate",
         turn, message.role);
  }

  void append(const ChatMessage& message) {
    if (message.role == "user") {
      append_user(message.content);
    } else if (message.role == "assistant") {
      out_.append(style_.reply_open).append(trimmed(message.content, style_.trim_reply)).append(style_.reply_close);
    } else if (message.role == "system") {
      out_.append(system_block(message.content, {}));
    } else {
      fail(ErrorKind::kInvalidArgument, "chat message has the role '{}'; known are system, user, assistant",
           message.role);
    }
  }

  void append_user(std::string_view content) {
    if (std::exchange(had_user_, true)) out_.append(style_.turn_separator);
    out_.append(style_.user_open);
    std::string turn = std::exchange(pending_, {});
    turn.append(trimmed(content, style_.trim_user));
    out_.append(style_.trim_user == Trim::kTurn ? stripped(turn) : std::string_view(turn)).append(style_.user_close);
  }

  const ChatStyle& style_;
  std::string out_;
  std::string pending_;
  bool had_user_ = false;
};

}  // namespace

const char* to_string(ChatFormat format) noexcept {
  switch (format) {
    case ChatFormat::kNone:
      return "none";
    case ChatFormat::kChatMl:
      return "chatml";
    case ChatFormat::kLlama2:
      return "llama2";
    case ChatFormat::kLlama3:
      return "llama3";
    case ChatFormat::kGemma:
      return "gemma";
    case ChatFormat::kMistral:
      return "mistral";
    case ChatFormat::kPhi3:
      return "phi3";
    case ChatFormat::kZephyr:
      return "zephyr";
  }
  return "none";
}

ChatTemplate::ChatTemplate(ChatFormat format, std::string_view bos, std::string_view eos)
    : style_(std::make_shared<const ChatStyle>(tokenizer::plain_chat_style(format, bos, eos))) {}

ChatTemplate ChatTemplate::read(std::string_view jinja, std::string_view bos, std::string_view eos) {
  ChatTemplate result;
  result.style_ = std::make_shared<const ChatStyle>(tokenizer::read_chat_style(jinja, bos, eos));
  return result;
}

ChatFormat ChatTemplate::format() const noexcept { return style_ ? style_->format : ChatFormat::kNone; }

std::optional<std::string> ChatTemplate::default_system() const {
  return style_ ? style_->default_system : std::nullopt;
}

std::string ChatTemplate::render(std::span<const ChatMessage> messages, bool open_reply) const {
  if (format() == ChatFormat::kNone) fail(ErrorKind::kUnsupported, "the model has no chat format that pith knows");
  return Renderer(*style_).render(messages, open_reply);
}

ChatFormat detect_chat_format(std::string_view chat_template) { return ChatTemplate::read(chat_template).format(); }

std::string render_chat(ChatFormat format, std::span<const ChatMessage> messages, bool open_reply) {
  return ChatTemplate(format).render(messages, open_reply);
}

}  // namespace pith::inline v0_1
