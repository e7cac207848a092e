// Bytes as a model's chat template: a conversation rendered by it as a program, and by the built-in format that it was
// recognized as.
#include <pith/chat_format.h>

#include <algorithm>
#include <array>
#include <span>
#include <vector>

#include "fuzz/fuzz.h"

namespace pith::fuzz {
namespace {

constexpr std::array<const char*, 4> kRoles = {"system", "user", "assistant", "tool"};

std::vector<ChatMessage> read_messages(Input& input) {
  std::vector<ChatMessage> messages;
  constexpr std::size_t kMost = 8;
  while (!input.empty() && messages.size() < kMost) {
    const char* role = kRoles[input.below(kRoles.size())];
    messages.push_back({role, std::string(input.text())});
  }
  return messages;
}

/// The parts are the text, and what the messages say is in order.
void check_parts(const RenderedChat& chat) {
  std::string joined;
  for (const TextPart& part : chat.parts()) joined += part.text;
  require(joined == chat.text, "parts are the text");
  std::size_t at = 0;
  for (const auto& [begin, end] : chat.contents) {
    require(at <= begin && begin < end && end <= chat.text.size(), "contents come in order");
    at = end;
  }
}

/// nullopt where the conversation is refused, which must be for its roles.
std::optional<std::string> render(const ChatTemplate& chat, std::span<const ChatMessage> messages, bool open_reply) {
  std::optional<std::string> text;
  try {
    RenderedChat rendered = chat.render_marked(messages, open_reply);
    check_parts(rendered);
    text = std::move(rendered.text);
  } catch (const Error& error) {
    check_error(error);
    const bool known = chat.format() != ChatFormat::kNone;
    require(error.kind() == (known ? ErrorKind::kInvalidArgument : ErrorKind::kUnsupported), error.what());
  }
  return text;
}

/// What was rendered stays what it is when messages are added, whatever is fed to a session in between.
void check_prefixes(const ChatTemplate& chat, std::span<const ChatMessage> messages) {
  std::string before;
  for (std::size_t count = 1; count <= messages.size(); ++count) {
    const std::optional<std::string> text = render(chat, messages.first(count), false);
    if (!text) return;
    // A format without system messages has one in the user turn that follows.
    require(text->starts_with(before), "a conversation goes on from what was rendered");
    before = *text;
    const std::optional<std::string> open = render(chat, messages.first(count), true);
    require(open && open->starts_with(*text), "an open reply comes last");
  }
}

/// A program of the file's may write anything, or be refused.
void run_program(const ChatTemplate& chat, std::span<const ChatMessage> messages) {
  if (!chat.is_jinja()) return;
  try {
    check_parts(chat.render_marked(messages, true));
  } catch (const Error& error) {
    check_error(error);
    require(error.kind() != ErrorKind::kInternal, error.what());
  }
}

void run(Input input) {
  const std::string_view bos = input.text();
  const std::string_view eos = input.text();
  const std::string_view jinja = input.text();
  const std::vector<ChatMessage> messages = read_messages(input);
  run_program(ChatTemplate::read(jinja, bos, eos), messages);
  const ChatTemplate chat = ChatTemplate::recognize(jinja, bos, eos);
  require(detect_chat_format(jinja) == chat.format(), "marks alone say which format it is");
  if (const auto system = chat.default_system()) {
    require(system->size() <= jinja.size(), "a default message comes from the template");
  }
  check_prefixes(chat, messages);
  for (const ChatFormat format : {ChatFormat::kChatMl, ChatFormat::kLlama2, ChatFormat::kLlama3, ChatFormat::kGemma,
                                  ChatFormat::kMistral, ChatFormat::kPhi3, ChatFormat::kZephyr}) {
    check_prefixes(ChatTemplate(format, bos, eos), messages);
  }
}

}  // namespace
}  // namespace pith::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  pith::fuzz::run({data, size});
  return 0;
}
