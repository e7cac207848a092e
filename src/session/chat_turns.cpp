#include "session/chat_turns.h"

#include <algorithm>

namespace pith::session {
namespace {

bool begins_turn(const ChatMessage& message) {
  return message.role != "assistant" && message.role != "tool" && message.role != "ipython";
}

}  // namespace

Turns droppable_turns(std::span<const ChatMessage> messages, std::size_t keep) {
  const std::size_t system = !messages.empty() && messages.front().role == "system" ? 1 : 0;
  Turns turns;
  turns.first = system + std::min(keep, messages.size() - system);
  while (keep != 0 && turns.first < messages.size() && !begins_turn(messages[turns.first])) ++turns.first;
  for (std::size_t i = turns.first + 1; i < messages.size(); ++i) {
    if (begins_turn(messages[i])) turns.ends.push_back(i);
  }
  return turns;
}

std::vector<ChatMessage> without_oldest(std::span<const ChatMessage> messages, const Turns& all, std::size_t turns) {
  const std::size_t end = turns == 0 ? all.first : all.ends[turns - 1];
  std::vector<ChatMessage> kept(messages.begin(), messages.begin() + static_cast<std::ptrdiff_t>(all.first));
  kept.insert(kept.end(), messages.begin() + static_cast<std::ptrdiff_t>(end), messages.end());
  return kept;
}

}  // namespace pith::session
