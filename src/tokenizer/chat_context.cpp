#include "tokenizer/chat_context.h"

#include "base/fail.h"
#include "base/printable.h"
#include "tokenizer/utf8.h"

namespace pith::tokenizer {
namespace {

/// Byte b that is not UTF-8 is the private character U+10FF00 + b on its way through the template. The bytes of such a
/// character in a message take the same way.
constexpr char32_t kBytes = 0x10FF00;
constexpr char kLead = '\xF4';

std::string valid_text(std::string_view text) {
  std::string valid;
  valid.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Scan scan = scan_utf8(text, at);
    if (scan.state == Utf8Scan::State::kWhole && scan.code < kBytes) {
      valid.append(text.substr(at, scan.size));
    } else {
      for (const char byte : text.substr(at, scan.size)) append_utf8(kBytes + static_cast<unsigned char>(byte), valid);
    }
    at += scan.size;
  }
  return valid;
}

ChatContext parse(std::string_view text, std::string_view what, ChatContext::value_t type) {
  ChatContext value = ChatContext::parse(text, nullptr, false);
  if (value.type() != type) {
    fail(ErrorKind::kInvalidArgument, "chat: {} must be a JSON {}, not \"{}\"", what,
         type == ChatContext::value_t::array ? "array" : "object", printable(text.substr(0, 100)));
  }
  return value;
}

ChatContext list_or_null(std::string_view text, std::string_view what) {
  return text.empty() ? ChatContext(nullptr) : parse(text, what, ChatContext::value_t::array);
}

/// Sets each field of one object in another.
void set_fields(ChatContext& object, std::string_view text, std::string_view what) {
  if (text.empty()) return;
  const ChatContext fields = parse(text, what, ChatContext::value_t::object);
  for (const auto& [key, value] : fields.items()) object[key] = value;
}

}  // namespace

ChatContext make_chat_context(std::span<const ChatMessage> messages, bool open_reply, const ChatInputs& inputs,
                              std::string_view bos, std::string_view eos) {
  ChatContext context = ChatContext::object();
  ChatContext& list = context["messages"] = ChatContext::array();
  for (const ChatMessage& message : messages) {
    ChatContext object = {{"role", valid_text(message.role)}, {"content", valid_text(message.content)}};
    set_fields(object, message.fields, "ChatMessage::fields");
    list.push_back(std::move(object));
  }
  context["tools"] = list_or_null(inputs.tools, "tools");
  context["documents"] = list_or_null(inputs.documents, "documents");
  context["add_generation_prompt"] = open_reply;
  context["bos_token"] = valid_text(bos);
  context["eos_token"] = valid_text(eos);
  set_fields(context, inputs.variables, "variables");
  return context;
}

std::string restore_bytes(std::string_view text) {
  std::string restored;
  restored.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Scan scan = text[at] == kLead ? scan_utf8(text, at) : Utf8Scan{.code = 0, .size = 1};
    if (scan.code >= kBytes) {
      restored.push_back(static_cast<char>(scan.code - kBytes));
    } else {
      restored.append(text.substr(at, scan.size));
    }
    at += scan.size;
  }
  return restored;
}

}  // namespace pith::tokenizer
