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
};

/// The plain form of a family. Empty `bos` and `eos` stand for the family's usual ones.
ChatStyle plain_chat_style(ChatFormat format, std::string_view bos, std::string_view eos);

/// The style that a Jinja template writes.
ChatStyle read_chat_style(std::string_view jinja, std::string_view bos, std::string_view eos);

/// A Jinja template as the detection wants it: without white space outside of string literals, ' for ", and the
/// backslash escapes of literals resolved.
std::string compact_jinja(std::string_view jinja);

}  // namespace pith::tokenizer
