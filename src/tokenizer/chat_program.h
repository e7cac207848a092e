#pragma once

#include <pith/chat_format.h>

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "jinja/template.h"

namespace pith::tokenizer {

/// A model's own Jinja template with its special tokens. Immutable.
class ChatProgram {
 public:
  /// Throws nothing for what the template is: render() says why it is unusable.
  /// `adds_bos`: a BOS at the beginning is left to the tokenizer.
  ChatProgram(std::string_view jinja, std::string_view bos, std::string_view eos, bool adds_bos);

  bool usable() const noexcept { return template_.has_value(); }

  /// Renders a conversation and finds which bytes come from the caller: ChatTemplate::render_marked().
  RenderedChat render(std::span<const ChatMessage> messages, bool open_reply, const ChatInputs& inputs) const;

 private:
  std::optional<jinja::Template> template_;
  std::string problem_;
  std::string bos_;
  std::string eos_;
  bool adds_bos_;
};

}  // namespace pith::tokenizer
