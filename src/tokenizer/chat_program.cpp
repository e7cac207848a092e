#include "tokenizer/chat_program.h"

#include <chrono>

#include "base/fail.h"
#include "tokenizer/chat_context.h"
#include "tokenizer/chat_marks.h"

namespace pith::tokenizer {
namespace {

/// Takes a BOS at the beginning away: the tokenizer writes it.
void drop_bos(RenderedChat& chat, std::string_view bos) {
  const bool is_content = !chat.contents.empty() && chat.contents.front().begin < bos.size();
  if (bos.empty() || is_content || !chat.text.starts_with(bos)) return;
  chat.text.erase(0, bos.size());
  for (RenderedChat::Range& range : chat.contents) {
    range.begin -= bos.size();
    range.end -= bos.size();
  }
}

}  // namespace

ChatProgram::ChatProgram(std::string_view jinja, std::string_view bos, std::string_view eos, bool adds_bos)
    : bos_(bos), eos_(eos), adds_bos_(adds_bos) {
  try {
    template_.emplace(jinja);
  } catch (const Error& error) {
    problem_ = error.what();
  }
}

RenderedChat ChatProgram::render(std::span<const ChatMessage> messages, bool open_reply,
                                 const ChatInputs& inputs) const {
  if (!template_) fail(ErrorKind::kUnsupported, "{}", problem_);
  const auto now = inputs.now.value_or(std::chrono::system_clock::now());
  ChatContext context = make_chat_context(messages, open_reply, inputs, bos_, eos_);
  std::string text = restore_bytes(template_->render(context.dump(), now));
  const ChatMarks marks(std::move(context));
  std::optional<std::string> marked;
  try {
    marked = restore_bytes(template_->render(marks.marked().dump(), now));
  } catch (const Error&) {
    // A template that takes a string for what it says need not take a marked one.
  }
  RenderedChat chat = marks.place(std::move(text), marked);
  if (adds_bos_) drop_bos(chat, bos_);
  return chat;
}

}  // namespace pith::tokenizer
