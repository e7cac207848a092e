#include <algorithm>
#include <optional>

#include "tokenizer/chat_style.h"

namespace pith::tokenizer {
namespace {

/// A string literal of Jinja, escapes resolved.
struct Literal {
  std::string text;
  std::size_t end = 0;  ///< One past its closing quote.
};

bool is_quote(char c) noexcept { return c == '\'' || c == '"'; }

/// The literal whose opening quote is at `begin`.
Literal read_literal(std::string_view jinja, std::size_t begin) {
  Literal literal;
  std::size_t i = begin + 1;
  for (; i < jinja.size() && jinja[i] != jinja[begin]; ++i) {
    if (jinja[i] != '\\' || i + 1 == jinja.size()) {
      literal.text.push_back(jinja[i]);
      continue;
    }
    const char escaped = jinja[++i];
    literal.text.push_back(escaped == 'n' ? '\n' : escaped == 't' ? '\t' : escaped == 'r' ? '\r' : escaped);
  }
  literal.end = std::min(i + 1, jinja.size());
  return literal;
}

/// Where code ({{ }} or {% %}) begins at or after `at`, its bracket not included, and where it ends; npos: nowhere.
std::size_t next_code(std::string_view jinja, std::size_t at) noexcept {
  for (; at + 1 < jinja.size(); ++at) {
    if (jinja[at] == '{' && (jinja[at + 1] == '{' || jinja[at + 1] == '%')) return at + 2;
  }
  return std::string_view::npos;
}

bool ends_code(std::string_view jinja, std::size_t at) noexcept {
  return at + 1 < jinja.size() && jinja[at + 1] == '}' && (jinja[at] == '}' || jinja[at] == '%');
}

/// Calls on_text(text outside of code), on_literal(literal) and on_code(character of code) in order.
template <typename OnText, typename OnLiteral, typename OnCode>
void walk(std::string_view jinja, OnText on_text, OnLiteral on_literal, OnCode on_code) {
  for (std::size_t at = 0; at < jinja.size();) {
    const std::size_t code = std::min(next_code(jinja, at), jinja.size());
    on_text(jinja.substr(at, code - at));
    at = code;
    while (at < jinja.size() && !ends_code(jinja, at)) {
      if (is_quote(jinja[at])) {
        const Literal literal = read_literal(jinja, at);
        on_literal(literal);
        at = literal.end;
      } else {
        on_code(jinja[at++]);
      }
    }
  }
}

/// The first literal that is as wanted. One is held at a time: a template may consist of millions.
template <typename IsWanted>
std::optional<std::string> first_literal(std::string_view jinja, IsWanted is_wanted) {
  std::optional<std::string> found;
  walk(
      jinja, [](std::string_view) {},
      [&](const Literal& literal) {
        if (!found && is_wanted(literal.text)) found = literal.text;
      },
      [](char) {});
  return found;
}

bool has(std::string_view text, std::string_view part) noexcept { return text.find(part) != std::string_view::npos; }

std::string_view without_spaces_around(std::string_view text) noexcept {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

/// The first literal that is `mark` with or without spaces around it; `usual` if there is none.
std::string spaced_mark(std::string_view jinja, std::string_view mark, std::string_view usual) {
  const auto is_mark = [&](std::string_view literal) { return without_spaces_around(literal) == mark; };
  return first_literal(jinja, is_mark).value_or(std::string(usual));
}

/// What a ChatML template puts in where there is no system message: a literal that is a whole message. And how Qwen's
/// write what a tool gave.
void read_chatml(std::string_view jinja, ChatStyle& style) {
  const std::size_t around = style.system_open.size() + style.system_close.size();
  const auto literal = first_literal(jinja, [&](std::string_view text) {
    return text.size() >= around && text.starts_with(style.system_open) && text.ends_with(style.system_close);
  });
  if (literal) style.default_system = literal->substr(style.system_open.size(), literal->size() - around);
  if (has(jinja, "<tool_response>")) {
    const std::string turn_open = style.user_open.substr(0, style.user_open.size() - 1);
    style.tool = ToolStyle{turn_open, "\n<tool_response>\n", "\n</tool_response>", style.user_close, true, false};
  }
}

void read_llama2(const std::string& compact, ChatStyle& style) {
  if (!has(compact, "bos_token+'[INST]")) style.turn_separator.clear();
  if (!has(compact, "strip()") && !has(compact, "|trim")) style.trim_user = style.trim_reply = Trim::kNone;
}

/// Llama 3.1 and later state their dates in a system message that is always there, and have a role for results of
/// tools.
void read_llama3(std::string_view jinja, const std::string& compact, ChatStyle& style) {
  constexpr std::string_view kToolOpen = "<|start_header_id|>ipython<|end_header_id|>\n\n";
  if (has(compact, kToolOpen)) {
    const bool quotes = has(compact, "message.content|tojson") || has(compact, "message['content']|tojson");
    style.tool = ToolStyle{std::string(kToolOpen), "", "", style.user_close, false, quotes};
  }
  if (!has(jinja, "Cutting Knowledge Date: December 2023")) return;
  std::string date = "26 Jul 2024";
  constexpr std::string_view kSetDate = "setdate_string='";
  if (const std::size_t set = compact.find(kSetDate); set != std::string::npos) {
    const std::size_t begin = set + kSetDate.size();
    date = compact.substr(begin, compact.find('\'', begin) - begin);
  }
  style.system_preamble = "Cutting Knowledge Date: December 2023\nToday Date: " + date + "\n\n";
  style.default_system.emplace();
}

void read_mistral(std::string_view jinja, const std::string& compact, ChatStyle& style) {
  style.user_open = spaced_mark(jinja, "[INST]", style.user_open);
  style.user_close = spaced_mark(jinja, "[/INST]", style.user_close);
  if (has(compact, "' '+message")) style.reply_open.assign(1, ' ');
  if (has(compact, "+message['content']|trim+eos_token")) style.trim_reply = Trim::kContent;
  if (has(compact, "eos_token+' '")) style.reply_close.push_back(' ');
  if (!has(jinja, "[SYSTEM_PROMPT]")) return;
  style.system_open = spaced_mark(jinja, "[SYSTEM_PROMPT]", "[SYSTEM_PROMPT]");
  style.system_close = spaced_mark(jinja, "[/SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]");
  style.system_in_user = false;
}

/// '<|user|>\n' and the content with the end token after it, however the template spells that.
bool writes_zephyr(const std::string& compact) {
  for (const std::string_view end : {"+eos_token", "+'</s>", "+'<|endoftext|>"}) {
    if (has(compact, std::string("'<|user|>\n'+message['content']").append(end))) return true;
    if (has(compact, std::string("'<|'+message['role']+'|>'+'\n'+message['content']").append(end))) return true;
    if (has(compact, std::string("'<|'+message['role']+'|>\n'+message['content']").append(end))) return true;
  }
  return false;
}

/// Templates on one line, unlike Zephyr's own, write no line ends between the messages.
void read_zephyr(const std::string& compact, ChatStyle& style) {
  for (const std::string_view line_end : {"eos_token}}\n", "eos_token-}}\n", "+'\n'", "</s>\n", "<|endoftext|>\n"}) {
    if (has(compact, line_end)) return;
  }
  for (std::string* end : {&style.system_close, &style.user_close, &style.reply_close, &style.reply_prompt}) {
    end->pop_back();
  }
}

ChatFormat detect(std::string_view jinja) {
  if (has(jinja, "<|im_start|>")) {
    // Phi-4 and SmolVLM have these marks too, but write other texts around them.
    return has(jinja, "<|im_sep|>") || has(jinja, "<end_of_utterance>") ? ChatFormat::kNone : ChatFormat::kChatMl;
  }
  if (has(jinja, "<|start_header_id|>")) return ChatFormat::kLlama3;
  if (has(jinja, "<start_of_turn>")) return ChatFormat::kGemma;
  if (has(jinja, "[INST]")) return has(jinja, "<<SYS>>") ? ChatFormat::kLlama2 : ChatFormat::kMistral;
  const std::string compact = compact_jinja(jinja);
  if (has(jinja, "<|end|>") && has(jinja, "<|assistant|>") &&
      (has(compact, "'<|user|>") || has(compact, "'<|'+message['role']+'|>"))) {
    return ChatFormat::kPhi3;
  }
  return writes_zephyr(compact) ? ChatFormat::kZephyr : ChatFormat::kNone;
}

}  // namespace

std::string compact_jinja(std::string_view jinja) {
  std::string compact;
  walk(
      jinja, [&](std::string_view text) { compact.append(text); },
      [&](const Literal& literal) { compact.append("'").append(literal.text).append("'"); },
      [&](char c) {
        if (c != ' ' && c != '\n' && c != '\t' && c != '\r') compact.push_back(c);
      });
  return compact;
}

ChatStyle read_chat_style(std::string_view jinja, std::string_view bos, std::string_view eos) {
  ChatStyle style = plain_chat_style(detect(jinja), bos, eos);
  const std::string compact = compact_jinja(jinja);
  switch (style.format) {
    case ChatFormat::kChatMl:
      read_chatml(jinja, style);
      break;
    case ChatFormat::kLlama2:
      read_llama2(compact, style);
      break;
    case ChatFormat::kLlama3:
      read_llama3(jinja, compact, style);
      break;
    case ChatFormat::kMistral:
      read_mistral(jinja, compact, style);
      break;
    case ChatFormat::kNone:
    case ChatFormat::kJinja:
    case ChatFormat::kGemma:
    case ChatFormat::kPhi3:
      break;
    case ChatFormat::kZephyr:
      read_zephyr(compact, style);
      break;
  }
  return style;
}

}  // namespace pith::tokenizer
