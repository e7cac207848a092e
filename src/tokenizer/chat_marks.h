#pragma once

#include <pith/chat_format.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/chat_context.h"

namespace pith::tokenizer {

/// Finds which bytes of a Jinja template's text come from the caller. The template is rendered a second time with two
/// private characters of its own around each string of the caller, inside the white space at its ends, which templates
/// trim. If the second text without these characters is the first one, and they come in pairs, then what stands between
/// them is the caller's and nothing else is.
class ChatMarks {
 public:
  /// Marks the strings of a context's messages and documents, and the descriptions of tools.
  explicit ChatMarks(ChatContext context);

  const ChatContext& marked() const noexcept { return context_; }

  /// Returns the text with its ranges. `marked_text` is the second rendering; nullopt: there is none. What could not be
  /// placed is in RenderedChat::unplaced.
  RenderedChat place(std::string text, const std::optional<std::string>& marked_text) const;

 private:
  void mark_message(ChatContext& message);
  void mark_strings(ChatContext& value, bool only_descriptions, std::string_view key);
  void mark(ChatContext& value);
  std::optional<std::vector<RenderedChat::Range>> ranges(std::string_view text, std::string_view marked_text) const;

  ChatContext context_;
  /// Of each marked string, the number of which is in its characters.
  std::vector<std::string> strings_;
  /// Strings that templates compare and that are left as they are.
  std::vector<std::string> bare_;
};

}  // namespace pith::tokenizer
