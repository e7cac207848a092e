#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

#include "session/chat_transcript.h"

namespace pith::session {
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

/// What a built-in format writes, whatever the conversation.
ReplyFrame reply_frame(const ChatTemplate& chat_template) {
  constexpr std::string_view kContent = "?";
  const std::vector<ChatMessage> messages = {{"user", ""}, {"assistant", std::string(kContent)}};
  const std::size_t begin = chat_template.render(std::span(messages).first(1), true).size();
  const std::string reply = chat_template.render(messages, false).substr(begin);
  const std::size_t open = reply.find(kContent);
  return {open, reply.size() - open - kContent.size()};
}

/// What a Jinja template wrote around the last message, which continues `prompt`; nullopt if the conversation with the
/// reply does not go on from the prompt for it, or if the template took the reply apart.
std::optional<ReplyFrame> reply_frame(const RenderedChat& chat, const RenderedChat& prompt) {
  const std::size_t begin = prompt.text.size();
  if (!chat.text.starts_with(prompt.text) || chat.contents.empty()) return std::nullopt;
  const RenderedChat::Range& reply = chat.contents.back();
  const bool before_is_same = chat.contents.size() == prompt.contents.size() + 1;
  if (!before_is_same || reply.begin < begin) return std::nullopt;
  return ReplyFrame{reply.begin - begin, chat.text.size() - reply.end};
}

/// Whether `written`, by the model, is the beginning of `content` or all of it and white space.
bool agrees(std::string_view written, std::string_view content) {
  if (content.starts_with(written)) return true;
  return written.starts_with(content) && is_blank(written.substr(content.size()));
}

void cut(RenderedChat& chat, std::size_t bytes) {
  chat.text.resize(bytes);
  for (RenderedChat::Range& range : chat.contents) range.end = std::min(range.end, bytes);
  std::erase_if(chat.contents, [](const RenderedChat::Range& range) { return range.begin >= range.end; });
}

}  // namespace

void Transcript::append_written(const Tokenizer& tokenizer, std::span<const Token> reply) {
  const std::size_t begin = chat_.text.size();
  for (const Token token : reply) {
    chat_.text += tokenizer.piece(token, true);
    tokens_.push_back(token);
    marks_.push_back({chat_.text.size(), tokens_.size()});
  }
  if (chat_.text.size() > begin) chat_.contents.push_back({begin, chat_.text.size()});
}

void Transcript::append_reply(const Tokenizer& tokenizer, const ChatTemplate& chat_template,
                              std::span<const ChatMessage> messages, const ChatInputs& inputs,
                              std::span<const Token> reply) {
  const std::size_t reply_begin = chat_.text.size();
  RenderedChat chat = chat_template.render_marked(messages, false, inputs);
  const std::optional<ReplyFrame> known =
      chat_template.is_jinja() ? reply_frame(chat, chat_) : reply_frame(chat_template);
  if (!known) return append_written(tokenizer, reply);
  const ReplyFrame frame = *known;
  const std::string_view rendered = chat.text;
  const std::string_view framed = rendered.substr(reply_begin);
  // The model writes the white space around its reply itself; templates may add or drop some.
  const std::size_t content_size = framed.size() - frame.open - frame.close;
  const std::string_view content = without_leading_spaces(framed.substr(frame.open, content_size));
  const std::string_view close = framed.substr(framed.size() - frame.close);

  std::string written;
  for (const Token token : reply) {
    const std::size_t before = written.size();
    written += tokenizer.piece(token, true);
    if (!agrees(without_leading_spaces(written), content)) {
      written.resize(before);
      break;
    }
    tokens_.push_back(token);
  }
  const std::size_t agreed = without_leading_spaces(written).size();
  const auto content_begin = static_cast<std::size_t>(content.data() - rendered.data());
  std::size_t bytes = 0;
  if (agreed == 0) {
    bytes = written.empty() ? reply_begin : content_begin;
  } else if (agreed < content.size()) {
    bytes = content_begin + agreed;
  } else {
    const std::string_view spaces = std::string_view(written).substr(written.size() - (agreed - content.size()));
    bytes = rendered.size() - frame.close + common_prefix(spaces, close);
  }
  cut(chat, bytes);
  chat_ = std::move(chat);
  marks_.push_back({bytes, tokens_.size()});
}

}  // namespace pith::session
