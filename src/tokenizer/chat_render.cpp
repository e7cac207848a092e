#include "tokenizer/chat_render.h"

#include <algorithm>
#include <utility>

#include "base/fail.h"
#include "base/printable.h"
#include "tokenizer/chat_text.h"

namespace pith::tokenizer {
namespace {

constexpr std::size_t kRoleBytesMax = 64;

std::string_view trimmed(std::string_view text, Trim trim) noexcept {
  return trim == Trim::kContent ? stripped(text) : text;
}

bool is_tool(std::string_view role) noexcept { return role == "tool" || role == "ipython"; }

bool is_role_character(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("_-.=").find(c) != std::string_view::npos;
}

/// A name that cannot be taken for the end of its header, or for another message.
bool is_role_name(std::string_view role) noexcept {
  if (role.empty() || role.size() > kRoleBytesMax || role.front() == ' ' || role.back() == ' ') return false;
  return role.find("  ") == std::string_view::npos &&
         std::all_of(role.begin(), role.end(), [](char c) { return c == ' ' || is_role_character(c); });
}

class Renderer {
 public:
  explicit Renderer(const ChatStyle& style) : style_(style) {}

  RenderedChat render(std::span<const ChatMessage> messages, bool open_reply) {
    messages = take_system(messages);
    for (std::size_t i = 0; i < messages.size(); ++i) {
      if (style_.alternates) check_turn(messages[i], i);
      const bool tool = style_.tool && is_tool(messages[i].role);
      if (!tool) close_tool_turn();
      if (tool) {
        append_tool(messages[i].content);
      } else {
        append(messages[i]);
      }
    }
    if (open_reply) {
      close_tool_turn();
      out_.append_mark(style_.reply_prompt);
    }
    return std::move(out_).finish();
  }

 private:
  /// The first system message, written or kept for the first user turn; returns the messages after it.
  std::span<const ChatMessage> take_system(std::span<const ChatMessage> messages) {
    const bool has_own = !messages.empty() && messages.front().role == "system";
    if (has_own) {
      append_system(messages.front().content, style_.system_preamble, pending_);
    } else if (style_.default_system) {
      pending_.append_mark(style_.system_open + style_.system_preamble);
      pending_.append_mark(trimmed(*style_.default_system, style_.trim_system));
      pending_.append_mark(style_.system_close);
    }
    if (!style_.system_in_user) out_.append(std::exchange(pending_, {}));
    return has_own ? messages.subspan(1) : messages;
  }

  void append_system(std::string_view content, std::string_view preamble, ChatText& to) const {
    if (content.empty() && style_.skips_empty_system) return;
    to.append_mark(style_.system_open);
    to.append_mark(preamble);
    to.append_content(trimmed(content, style_.trim_system));
    to.append_mark(style_.system_close);
  }

  void check_turn(const ChatMessage& message, std::size_t turn) const {
    const std::string_view expected = turn % 2 == 0 ? "user" : "assistant";
    if (message.role == expected) return;
    fail(ErrorKind::kInvalidArgument,
         "message {} after the system message has the role '{}': in the chat format {} user and assistant alternate, "
         "and "
         "there are no other roles",
         turn, printable(message.role), to_string(style_.format));
  }

  void append(const ChatMessage& message) {
    if (message.role == "user") {
      append_user(message.content);
    } else if (message.role == "assistant") {
      out_.append_mark(style_.reply_open);
      out_.append_content(trimmed(message.content, style_.trim_reply));
      out_.append_mark(style_.reply_close);
    } else if (message.role == "system") {
      append_system(message.content, {}, out_);
    } else {
      append_named(message);
    }
  }

  void append_user(std::string_view content) {
    if (std::exchange(had_user_, true)) out_.append_mark(style_.turn_separator);
    out_.append_mark(style_.user_open);
    ChatText turn = std::exchange(pending_, {});
    turn.append_content(trimmed(content, style_.trim_user));
    if (style_.trim_user == Trim::kTurn) turn.strip();
    out_.append(turn);
    out_.append_mark(style_.user_close);
  }

  void append_named(const ChatMessage& message) {
    if (!style_.named) {
      fail(ErrorKind::kInvalidArgument,
           "chat message has the role '{}'; the chat format {} has system, user and assistant", printable(message.role),
           to_string(style_.format));
    }
    if (!is_role_name(message.role)) {
      fail(ErrorKind::kInvalidArgument,
           "chat message has the role '{}'; the name of a role has 1 to {} ASCII letters, digits, '_', '-', '.', '=' "
           "and "
           "single spaces between them",
           printable(message.role), kRoleBytesMax);
    }
    out_.append_mark(style_.named->before);
    out_.append_content(message.role);
    out_.append_mark(style_.named->after);
    out_.append_content(trimmed(message.content, style_.trim_named));
    out_.append_mark(style_.named->close);
  }

  void append_tool(std::string_view content) {
    if (!style_.tool->shares_turn) close_tool_turn();
    if (!std::exchange(in_tool_turn_, true)) out_.append_mark(style_.tool->turn_open);
    out_.append_mark(style_.tool->open);
    out_.append_content(style_.tool->quotes ? json_string(content) : content);
    out_.append_mark(style_.tool->close);
    if (!style_.tool->shares_turn) close_tool_turn();
  }

  void close_tool_turn() {
    if (std::exchange(in_tool_turn_, false)) out_.append_mark(style_.tool->turn_close);
  }

  const ChatStyle& style_;
  ChatText out_;
  ChatText pending_;
  bool had_user_ = false;
  bool in_tool_turn_ = false;
};

}  // namespace

RenderedChat render_chat(const ChatStyle& style, std::span<const ChatMessage> messages, bool open_reply) {
  return Renderer(style).render(messages, open_reply);
}

}  // namespace pith::tokenizer
