#pragma once

#include <pith/chat_format.h>

#include <span>

#include "tokenizer/chat_style.h"

namespace pith::tokenizer {

/// Writes a conversation in a style. Throws Error(kInvalidArgument) for roles that the style does not take, or not
/// there.
RenderedChat render_chat(const ChatStyle& style, std::span<const ChatMessage> messages, bool open_reply);

}  // namespace pith::tokenizer
