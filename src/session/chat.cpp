#include <pith/chat.h>

#include <algorithm>
#include <utility>

#include "base/fail.h"

namespace pith {
namespace {

constexpr std::string_view kSpaces = " \t\r\n";

std::string_view without_leading_spaces(std::string_view text) {
  return text.substr(std::min(text.find_first_not_of(kSpaces), text.size()));
}

bool is_blank(std::string_view text) { return text.find_first_not_of(kSpaces) == std::string_view::npos; }

std::size_t common_prefix(std::string_view a, std::string_view b) {
  return static_cast<std::size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
}

/// What a template writes before and after a reply's content, in bytes, the prompt for the reply not counted.
struct ReplyFrame {
  std::size_t open = 0;
  std::size_t close = 0;
};

ReplyFrame reply_frame(const ChatTemplate& chat_template) {
  constexpr std::string_view kContent = "?";
  const std::vector<ChatMessage> messages = {{"user", ""}, {"assistant", std::string(kContent)}};
  const std::size_t begin = chat_template.render(std::span(messages).first(1), true).size();
  const std::string reply = chat_template.render(messages, false).substr(begin);
  const std::size_t open = reply.find(kContent);
  return {open, reply.size() - open - kContent.size()};
}

/// Whether `written`, by the model, is the beginning of `content` or all of it and white space.
bool agrees(std::string_view written, std::string_view content) {
  if (content.starts_with(written)) return true;
  return written.starts_with(content) && is_blank(written.substr(content.size()));
}

}  // namespace

Chat::Chat(Session& session, std::string_view system_prompt)
    : session_(&session),
      template_(session.model().chat_template()),
      transcript_(session.tokens().begin(), session.tokens().end()) {
  if (template_.format() == ChatFormat::kNone) {
    fail(ErrorKind::kUnsupported, "the model has no chat format that pith knows (tokenizer.chat_template)");
  }
  if (!system_prompt.empty()) messages_.push_back({"system", std::string(system_prompt)});
}

Generation Chat::say(std::string_view message, const GenerateOptions& options, const PieceSink& on_piece,
                     const std::stop_token& stop) {
  const std::size_t messages_before = messages_.size();
  messages_.push_back({"user", std::string(message)});
  try {
    Generation generation = reply(options, on_piece, stop);
    if (messages_.size() == messages_before + 1) messages_.pop_back();
    return generation;
  } catch (...) {
    messages_.resize(messages_before);
    throw;
  }
}

Generation Chat::reply(GenerateOptions options, const PieceSink& on_piece, const std::stop_token& stop) {
  const std::string text = template_.render(messages_, true);
  options.parse_special = true;
  Generation generation;
  generation.reason = FinishReason::kCancelled;
  if (!catch_up(stop)) return generation;
  const auto begin = static_cast<std::size_t>(session_->position());
  generation = session_->generate(std::string_view(text).substr(rendered_), options, on_piece, stop);

  if (generation.reason == FinishReason::kCancelled && generation.tokens.empty()) return generation;
  const auto prompt = session_->tokens().first(begin + static_cast<std::size_t>(generation.prompt_tokens));
  messages_.push_back({"assistant", generation.text});
  transcript_.assign(prompt.begin(), prompt.end());
  settle(generation.tokens, text.size());
  return generation;
}

bool Chat::catch_up(const std::stop_token& stop) {
  const std::span<const Token> held = session_->tokens();
  const auto [end, next] = std::mismatch(held.begin(), held.end(), transcript_.begin(), transcript_.end());
  auto begin = next;
  if (end != held.end()) {
    session_->reset();
    begin = transcript_.begin();
  }
  const std::span<const Token> missing(begin, transcript_.end());
  return missing.empty() || session_->feed(missing, stop);
}

void Chat::settle(const std::vector<Token>& reply_tokens, std::size_t reply_begin) {
  const ReplyFrame frame = reply_frame(template_);
  const std::string rendered = template_.render(messages_, false);
  const std::string_view reply = std::string_view(rendered).substr(reply_begin);
  // The model writes the white space around its reply itself; templates may add or drop some.
  const std::size_t content_size = reply.size() - frame.open - frame.close;
  const std::string_view content = without_leading_spaces(reply.substr(frame.open, content_size));
  const std::string_view close = reply.substr(reply.size() - frame.close);

  std::string written;
  for (const Token token : reply_tokens) {
    const std::size_t before = written.size();
    written += session_->model().tokenizer().piece(token, true);
    if (!agrees(without_leading_spaces(written), content)) {
      written.resize(before);
      break;
    }
    transcript_.push_back(token);
  }
  const std::size_t agreed = without_leading_spaces(written).size();
  const auto content_begin = static_cast<std::size_t>(content.data() - rendered.data());
  if (agreed == 0) {
    rendered_ = written.empty() ? reply_begin : content_begin;
  } else if (agreed < content.size()) {
    rendered_ = content_begin + agreed;
  } else {
    const std::string_view spaces = std::string_view(written).substr(written.size() - (agreed - content.size()));
    rendered_ = rendered.size() - frame.close + common_prefix(spaces, close);
  }
}

}  // namespace pith
