#include "tokenizer/chat_style.h"

namespace pith::tokenizer {
namespace {

std::string or_usual(std::string_view text, std::string_view usual) { return std::string(text.empty() ? usual : text); }

/// Each message between a header that names its role and a mark of its end.
ChatStyle role_headers(std::string_view before, std::string_view after, std::string_view close) {
  const auto header = [&](std::string_view role) { return std::string(before).append(role).append(after); };
  ChatStyle style;
  style.system_open = header("system");
  style.user_open = header("user");
  style.reply_open = header("assistant");
  style.system_close = style.user_close = style.reply_close = close;
  style.reply_prompt = style.reply_open;
  style.named = RoleStyle{std::string(before), std::string(after), std::string(close)};
  return style;
}

ChatStyle llama2(std::string_view bos, std::string_view eos) {
  ChatStyle style;
  style.system_open = "<<SYS>>\n";
  style.system_close = "\n<</SYS>>\n\n";
  style.user_open = "[INST] ";
  style.user_close = " [/INST]";
  style.reply_open.push_back(' ');
  style.reply_close.append(style.reply_open).append(or_usual(eos, "</s>"));
  style.turn_separator = or_usual(bos, "<s>");
  style.system_in_user = style.alternates = true;
  style.trim_user = Trim::kTurn;
  style.trim_reply = Trim::kContent;
  return style;
}

ChatStyle llama3() {
  ChatStyle style = role_headers("<|start_header_id|>", "<|end_header_id|>\n\n", "<|eot_id|>");
  style.trim_system = style.trim_user = style.trim_reply = style.trim_named = Trim::kContent;
  return style;
}

ChatStyle gemma() {
  ChatStyle style = role_headers("<start_of_turn>", "\n", "<end_of_turn>\n");
  style.system_open.clear();
  style.system_close = "\n\n";
  style.reply_open = style.reply_prompt = "<start_of_turn>model\n";
  style.named.reset();
  style.system_in_user = style.alternates = true;
  style.trim_user = style.trim_reply = Trim::kContent;
  return style;
}

ChatStyle mistral(std::string_view eos) {
  ChatStyle style;
  style.system_close = "\n\n";
  style.user_open = "[INST] ";
  style.user_close = " [/INST]";
  style.reply_close = or_usual(eos, "</s>");
  style.system_in_user = style.alternates = true;
  return style;
}

ChatStyle phi3() {
  ChatStyle style = role_headers("<|", "|>\n", "<|end|>\n");
  style.skips_empty_system = true;
  return style;
}

ChatStyle bare_style(ChatFormat format, std::string_view bos, std::string_view eos) {
  switch (format) {
    case ChatFormat::kNone:
    case ChatFormat::kJinja:
      return {};
    case ChatFormat::kChatMl:
      return role_headers("<|im_start|>", "\n", "<|im_end|>\n");
    case ChatFormat::kLlama2:
      return llama2(bos, eos);
    case ChatFormat::kLlama3:
      return llama3();
    case ChatFormat::kGemma:
      return gemma();
    case ChatFormat::kMistral:
      return mistral(eos);
    case ChatFormat::kPhi3:
      return phi3();
    case ChatFormat::kZephyr:
      return role_headers("<|", "|>\n", or_usual(eos, "</s>") + "\n");
  }
  return {};
}

}  // namespace

ChatStyle plain_chat_style(ChatFormat format, std::string_view bos, std::string_view eos) {
  ChatStyle style = bare_style(format, bos, eos);
  style.format = format;
  return style;
}

}  // namespace pith::tokenizer
