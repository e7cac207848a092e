#pragma once

#include <pith/chat_format.h>

#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pith::tokenizer {

/// What a Jinja template reads, in the caller's order.
using ChatContext = nlohmann::ordered_json;

/// Builds the variables of a conversation as transformers names them: messages, tools, documents,
/// add_generation_prompt, bos_token, eos_token, and the caller's own. Bytes of messages that are not UTF-8 become
/// characters that restore_bytes() turns back. Throws Error(kInvalidArgument) for inputs that are no JSON of their
/// kind.
ChatContext make_chat_context(std::span<const ChatMessage> messages, bool open_reply, const ChatInputs& inputs,
                              std::string_view bos, std::string_view eos);

/// Turns characters that stand for bytes which are not UTF-8 back into these bytes.
std::string restore_bytes(std::string_view text);

}  // namespace pith::tokenizer
