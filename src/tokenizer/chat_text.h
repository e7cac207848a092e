#pragma once

#include <pith/chat_format.h>

#include <string>
#include <string_view>

namespace pith::tokenizer {

/// A conversation's text as it is written: what the format says and what messages say.
class ChatText {
 public:
  void append_mark(std::string_view text) { chat_.text.append(text); }
  void append_content(std::string_view text);
  void append(const ChatText& other);
  /// Takes white space away from both ends, whoever wrote it.
  void strip();
  RenderedChat finish() && { return std::move(chat_); }

 private:
  RenderedChat chat_;
};

/// Without white space at both ends: Unicode's too, as Python's str.strip() has it, which Jinja's trim is.
std::string_view stripped(std::string_view text) noexcept;

/// A JSON string, as Hugging Face's tojson writes it: Unicode as it is.
std::string json_string(std::string_view text);

}  // namespace pith::tokenizer
