#pragma once

#include <pith/chat_format.h>

#include <cstddef>
#include <span>
#include <vector>

namespace pith::session {

/// The turns of a conversation that may go, oldest first.
struct Turns {
  /// Index of the first message that may go.
  std::size_t first = 0;
  /// Where each turn ends: its last message's index and one. The newest turn is not among them.
  std::vector<std::size_t> ends;
};

/// A turn begins with a message that is neither the assistant's nor a tool's. A system message at the beginning stays,
/// and so do the `keep` messages after it with the rest of their turn.
Turns droppable_turns(std::span<const ChatMessage> messages, std::size_t keep);

/// The messages without the `turns` oldest turns.
std::vector<ChatMessage> without_oldest(std::span<const ChatMessage> messages, const Turns& all, std::size_t turns);

}  // namespace pith::session
