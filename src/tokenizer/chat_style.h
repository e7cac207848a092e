#pragma once

#include <pith/chat_format.h>

#include <optional>
#include <string>
#include <string_view>

namespace pith::tokenizer {

/// Where white space at both ends of a message is dropped.
enum class Trim {
  kNone,
  kContent,  ///< Of each message's content.
  kTurn,     ///< Of the content with the system message in front of it.
};

/// How a template writes messages of the role "tool" (or "ipython"), where it has a way of its own.
struct ToolStyle {
  std::string turn_open;
  std::string open;
  std::string close;
  std::string turn_close;
  /// Messages that follow one another are one turn.
  bool shares_turn = false;
  /// The content is written as a JSON string.
  bool quotes = false;
};

/// A message's header before and after the name of its role, and the mark of its end.
struct RoleStyle {
  std::string before;
  std::string after;
  std::string close;
};

/// What goes around the messages of a conversation.
struct ChatStyle {
  ChatFormat format = ChatFormat::kNone;
  std::string system_open;
  std::string system_close;
  std::string user_open;
  std::string user_close;
  std::string reply_open;
  std::string reply_close;
  /// Where the reply to come begins: reply_open, or less where the model writes the rest.
  std::string reply_prompt;
  /// Before each user turn but the first: BOS, where a format has one a turn.
  std::string turn_separator;
  /// In front of the content of the first system message.
  std::string system_preamble;
  /// For roles by name; nullopt: there are none but system, user and assistant.
  std::optional<RoleStyle> named;
  /// nullopt: tool is a role like others.
  std::optional<ToolStyle> tool;
  /// The first system message, where the conversation does not begin with one.
  std::optional<std::string> default_system;
  /// The system message goes into the first user turn, after user_open.
  bool system_in_user = false;
  /// After the system message, user and assistant alternate.
  bool alternates = false;
  bool skips_empty_system = false;
  Trim trim_system = Trim::kNone;
  Trim trim_user = Trim::kNone;
  Trim trim_reply = Trim::kNone;
  /// Of roles by name.
  Trim trim_named = Trim::kNone;
};

/// The plain form of a family. Empty `bos` and `eos` stand for the family's usual ones.
ChatStyle plain_chat_style(ChatFormat format, std::string_view bos, std::string_view eos);

/// The style that a Jinja template writes.
ChatStyle read_chat_style(std::string_view jinja, std::string_view bos, std::string_view eos);

/// A Jinja template as the detection wants it: without white space outside of string literals, ' for ", and the
/// backslash escapes of literals resolved.
std::string compact_jinja(std::string_view jinja);

}  // namespace pith::tokenizer
