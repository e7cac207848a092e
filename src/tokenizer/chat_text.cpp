#include "tokenizer/chat_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "tokenizer/utf8.h"

namespace pith::tokenizer {
namespace {

bool is_python_space(char32_t code) noexcept {
  return (code >= 0x09 && code <= 0x0D) || (code >= 0x1C && code <= 0x20) || code == 0x85 || code == 0xA0 ||
         code == 0x1680 || (code >= 0x2000 && code <= 0x200A) || code == 0x2028 || code == 0x2029 || code == 0x202F ||
         code == 0x205F || code == 0x3000;
}

}  // namespace

void ChatText::append_content(std::string_view text) {
  if (text.empty()) return;
  const std::size_t begin = chat_.text.size();
  chat_.text.append(text);
  const bool goes_on = !chat_.contents.empty() && chat_.contents.back().end == begin;
  if (goes_on) {
    chat_.contents.back().end = chat_.text.size();
  } else {
    chat_.contents.push_back({begin, chat_.text.size()});
  }
}

void ChatText::append(const ChatText& other) {
  std::size_t at = 0;
  const std::string_view text = other.chat_.text;
  for (const auto& [begin, end] : other.chat_.contents) {
    append_mark(text.substr(at, begin - at));
    append_content(text.substr(begin, end - begin));
    at = end;
  }
  append_mark(text.substr(at));
}

void ChatText::strip() {
  const std::string_view kept = stripped(chat_.text);
  const auto begin = kept.empty() ? std::size_t{0} : static_cast<std::size_t>(kept.data() - chat_.text.data());
  const std::size_t size = kept.size();
  for (auto& range : chat_.contents) {
    range.begin = std::clamp(range.begin, begin, begin + size) - begin;
    range.end = std::clamp(range.end, begin, begin + size) - begin;
  }
  std::erase_if(chat_.contents, [](const RenderedChat::Range& range) { return range.begin == range.end; });
  chat_.text = chat_.text.substr(begin, size);
}

std::string_view stripped(std::string_view text) noexcept {
  std::size_t begin = std::string_view::npos;
  std::size_t end = 0;
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Scan scan = scan_utf8(text, at);
    const bool space = scan.state == Utf8Scan::State::kWhole && is_python_space(scan.code);
    if (!space && begin == std::string_view::npos) begin = at;
    at += scan.size;
    if (!space) end = at;
  }
  return begin == std::string_view::npos ? std::string_view() : text.substr(begin, end - begin);
}

std::string json_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    switch (c) {
      case '"':
      case '\\':
        out.append({'\\', c});
        break;
      case '\n':
        out.append("\\n");
        break;
      case '\r':
        out.append("\\r");
        break;
      case '\t':
        out.append("\\t");
        break;
      case '\b':
        out.append("\\b");
        break;
      case '\f':
        out.append("\\f");
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          out.append(fmt::format("\\u{:04x}", static_cast<unsigned>(c)));
        } else {
          out.push_back(c);
        }
    }
  }
  out.push_back('"');
  return out;
}

}  // namespace pith::tokenizer
