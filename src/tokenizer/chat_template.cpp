#include <pith/chat_format.h>

#include <algorithm>
#include <string_view>

#include "base/fail.h"
#include "jinja/template.h"
#include "tokenizer/chat_program.h"
#include "tokenizer/chat_render.h"
#include "tokenizer/chat_style.h"

namespace pith::inline v0_1 {

using tokenizer::ChatStyle;

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
    case ChatFormat::kJinja:
      return "jinja";
  }
  return "none";
}

ChatTemplate::ChatTemplate(ChatFormat format, std::string_view bos, std::string_view eos)
    : style_(std::make_shared<const ChatStyle>(tokenizer::plain_chat_style(format, bos, eos))) {}

ChatTemplate ChatTemplate::recognize(std::string_view source, std::string_view bos, std::string_view eos) {
  ChatTemplate result;
  result.style_ = std::make_shared<const ChatStyle>(tokenizer::read_chat_style(source, bos, eos));
  return result;
}

ChatTemplate ChatTemplate::read(std::string_view source, std::string_view bos, std::string_view eos, bool adds_bos) {
  ChatTemplate result = recognize(source, bos, eos);
  if (!source.empty() && jinja::is_built()) {
    result.program_ = std::make_shared<const tokenizer::ChatProgram>(source, bos, eos, adds_bos);
  }
  return result;
}

ChatFormat ChatTemplate::format() const noexcept {
  const ChatFormat family = style_ ? style_->format : ChatFormat::kNone;
  if (!program_) return family;
  if (!program_->usable()) return ChatFormat::kNone;
  return family == ChatFormat::kNone ? ChatFormat::kJinja : family;
}

bool ChatTemplate::is_jinja() const noexcept { return program_ != nullptr; }

std::optional<std::string> ChatTemplate::default_system() const {
  return style_ ? style_->default_system : std::nullopt;
}

std::string ChatTemplate::render(std::span<const ChatMessage> messages, bool open_reply,
                                 const ChatInputs& inputs) const {
  return render_marked(messages, open_reply, inputs).text;
}

RenderedChat ChatTemplate::render_marked(std::span<const ChatMessage> messages, bool open_reply,
                                         const ChatInputs& inputs) const {
  if (program_) return program_->render(messages, open_reply, inputs);
  if (format() == ChatFormat::kNone) fail(ErrorKind::kUnsupported, "the model has no chat format that pith knows");
  const bool has_fields = std::ranges::any_of(messages, [](const ChatMessage& m) { return !m.fields.empty(); });
  if (has_fields || !(inputs.tools.empty() && inputs.documents.empty() && inputs.variables.empty())) {
    fail(ErrorKind::kUnsupported,
         "tools, documents, variables and fields of messages need a Jinja template, which {} is not",
         to_string(format()));
  }
  return tokenizer::render_chat(*style_, messages, open_reply);
}

std::vector<TextPart> RenderedChat::parts(std::size_t from) const {
  std::vector<TextPart> parts;
  const std::string_view all = text;
  const auto add = [&](std::size_t begin, std::size_t end, bool parse_special) {
    begin = std::max(begin, from);
    if (begin < end) parts.push_back({all.substr(begin, end - begin), parse_special});
  };
  std::size_t at = 0;
  for (const auto& [begin, end] : contents) {
    add(at, begin, true);
    add(begin, end, false);
    at = end;
  }
  add(at, all.size(), true);
  return parts;
}

ChatFormat detect_chat_format(std::string_view chat_template) {
  return tokenizer::read_chat_style(chat_template, {}, {}).format;
}

std::string render_chat(ChatFormat format, std::span<const ChatMessage> messages, bool open_reply) {
  return ChatTemplate(format).render(messages, open_reply);
}

}  // namespace pith::inline v0_1
