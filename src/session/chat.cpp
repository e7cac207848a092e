#include <pith/chat.h>

#include <utility>

#include "base/fail.h"
#include "base/memory.h"
#include "session/chat_impl.h"

namespace pith {
namespace {

constexpr const char* kReply = "reply";
constexpr const char* kChange = "change a conversation";

}  // namespace

Chat::Chat(Session& session, ChatOptions options)
    : impl_(with_memory_for("begin a conversation",
                            [&] { return std::make_unique<Impl>(session, std::move(options)); })) {}
Chat::Chat(Session& session, std::string_view system_prompt)
    : Chat(session, ChatOptions{.system = std::string(system_prompt)}) {}
Chat::~Chat() = default;
Chat::Chat(Chat&&) noexcept = default;
Chat& Chat::operator=(Chat&&) noexcept = default;

Generation Chat::say(std::string_view message, const GenerateOptions& options, const PieceSink& on_piece,
                     const std::stop_token& stop) {
  return with_memory_for(kReply, [&] {
    std::vector<ChatMessage> messages = impl_->messages();
    messages.push_back({"user", std::string(message)});
    return impl_->reply(std::move(messages), options, on_piece, stop);
  });
}

Generation Chat::reply(const GenerateOptions& options, const PieceSink& on_piece, const std::stop_token& stop) {
  return with_memory_for(kReply, [&] { return impl_->reply(impl_->messages(), options, on_piece, stop); });
}

Generation Chat::regenerate(const GenerateOptions& options, const PieceSink& on_piece, const std::stop_token& stop) {
  return with_memory_for(kReply, [&] {
    std::vector<ChatMessage> messages = impl_->messages();
    if (messages.empty() || messages.back().role != "assistant") {
      fail(ErrorKind::kInvalidArgument, "chat: the last message is not the assistant's, there is no reply to replace");
    }
    messages.pop_back();
    return impl_->reply(std::move(messages), options, on_piece, stop);
  });
}

const std::vector<ChatMessage>& Chat::messages() const noexcept { return impl_->messages(); }

void Chat::set_messages(std::vector<ChatMessage> messages) {
  with_memory_for(kChange, [&] { impl_->set_messages(std::move(messages)); });
}

void Chat::append(ChatMessage message) {
  with_memory_for(kChange, [&] {
    std::vector<ChatMessage> changed = messages();
    changed.push_back(std::move(message));
    impl_->set_messages(std::move(changed));
  });
}

void Chat::edit(std::size_t index, std::string content) {
  with_memory_for(kChange, [&] {
    std::vector<ChatMessage> changed = messages();
    if (index >= changed.size()) {
      fail(ErrorKind::kInvalidArgument, "chat: edit message {}, there are {}", index, changed.size());
    }
    changed[index].content = std::move(content);
    impl_->set_messages(std::move(changed));
  });
}

void Chat::drop(std::size_t first, std::size_t count) {
  with_memory_for(kChange, [&] {
    const std::vector<ChatMessage>& all = messages();
    if (first > all.size() || count > all.size() - first) {
      fail(ErrorKind::kInvalidArgument, "chat: drop {} messages from {} on, there are {}", count, first, all.size());
    }
    const auto begin = all.begin() + static_cast<std::ptrdiff_t>(first);
    std::vector<ChatMessage> kept(all.begin(), begin);
    kept.insert(kept.end(), begin + static_cast<std::ptrdiff_t>(count), all.end());
    impl_->set_messages(std::move(kept));
  });
}

void Chat::pop_back() {
  if (messages().empty()) fail(ErrorKind::kInvalidArgument, "chat: there is no message to take back");
  drop(messages().size() - 1, 1);
}

std::size_t Chat::dropped() const noexcept { return impl_->dropped(); }

}  // namespace pith
