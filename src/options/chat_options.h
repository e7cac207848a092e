#pragma once

#include <pith/chat.h>

#include <array>
#include <utility>

#include "options/table.h"

namespace pith::options {

template <>
struct Words<ChatOverflow> {
  static constexpr std::array<std::pair<ChatOverflow, std::string_view>, 4> list{{{ChatOverflow::kDropOldest, "drop"},
                                                                                  {ChatOverflow::kShift, "shift"},
                                                                                  {ChatOverflow::kError, "error"},
                                                                                  {ChatOverflow::kEvict, "evict"}}};
};

template <>
struct Table<ChatOptions> {
  using O = ChatOptions;
  static constexpr std::tuple rows{
      option("system", &O::system, "The system message").on_command_line("--system", "TEXT"),
      option("messages", &O::messages, "What was said before"),
      option("overflow", &O::overflow,
             "When the context is full: drop the oldest turns and compute the rest again, or shift the rest as it is, "
             "stop with an error, or leave it to --evict")
          .on_command_line("--overflow"),
      option("reserve", &O::reserve, "Tokens that a prompt leaves free for its reply; 0: as many as it may have")
          .at_least(0),
      option("keep_share", &O::keep_share, "Turns are dropped until the prompt takes this share of the context")
          .above(0.0, 1.0),
      option("keep_messages", &O::keep_messages, "First messages that are never dropped"),
      // At most what the session holds, which Chat knows.
      option("prefix_tokens", &O::prefix_tokens, "Tokens in front of the conversation; -1: all that the session holds"),
      option("parse_special", &O::parse_special, "Read special tokens that messages spell as such"),
      option("inputs", &O::inputs, "Tools, documents and variables for the model's template"),
  };
};
static_assert(is_complete<ChatOptions>());

}  // namespace pith::options
