#include "tokenizer/chat_marks.h"

#include <algorithm>
#include <array>
#include <utility>

#include "tokenizer/chat_text.h"
#include "tokenizer/utf8.h"

namespace pith::tokenizer {
namespace {

/// The characters of plane 15, U+F0000 to U+FFFFF: two for each string.
constexpr char32_t kFirst = 0xF0000;
constexpr std::size_t kStringsMax = 0x7000;
constexpr char kMarkLead = '\xF3';

std::string character(char32_t code) {
  std::string text;
  append_utf8(code, text);
  return text;
}

/// U+C0000 and above, of which nothing but private characters is assigned.
bool holds_marks(std::string_view text) { return text.find(kMarkLead) != std::string_view::npos; }

template <std::size_t N>
bool is_one_of(std::string_view text, const std::array<std::string_view, N>& words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

/// Fields that templates compare, or write where no text of others is expected.
bool is_compared(std::string_view key) {
  constexpr std::array<std::string_view, 5> kKeys = {"type", "role", "name", "id", "tool_call_id"};
  return is_one_of(key, kKeys);
}

bool is_known_role(std::string_view role) {
  constexpr std::array<std::string_view, 6> kRoles = {"system", "user", "assistant", "tool", "ipython", "developer"};
  return is_one_of(role, kRoles);
}

/// Takes white space at the ends of a string into its range as far as the text has it.
RenderedChat::Range widened(RenderedChat::Range range, std::size_t lowest, std::string_view text,
                            std::string_view string) {
  const std::string_view core = stripped(string);
  const auto before = static_cast<std::size_t>(core.data() - string.data());
  const std::string_view lead = string.substr(0, before);
  const std::string_view trail = string.substr(before + core.size());
  if (range.begin >= lowest + lead.size() && text.substr(0, range.begin).ends_with(lead)) range.begin -= lead.size();
  if (text.substr(range.end).starts_with(trail)) range.end += trail.size();
  return range;
}

}  // namespace

ChatMarks::ChatMarks(ChatContext context) : context_(std::move(context)) {
  for (ChatContext& message : context_["messages"]) mark_message(message);
  mark_strings(context_["documents"], false, "");
  mark_strings(context_["tools"], true, "");
}

void ChatMarks::mark_message(ChatContext& message) {
  if (!message.is_object()) return;
  for (auto& [key, value] : message.items()) {
    if (key != "role") {
      mark_strings(value, false, key);
    } else if (value.is_string() && !is_known_role(value.get_ref<const std::string&>())) {
      mark(value);
    }
  }
}

void ChatMarks::mark_strings(ChatContext& value, bool only_descriptions, std::string_view key) {
  if (value.is_object()) {
    for (auto& [name, item] : value.items()) {
      bare_.push_back(name);
      mark_strings(item, only_descriptions, name);
    }
  } else if (value.is_array()) {
    for (ChatContext& item : value) mark_strings(item, only_descriptions, key);
  } else if (value.is_string()) {
    const bool stays = only_descriptions ? key != "description" : is_compared(key);
    if (stays) {
      bare_.push_back(value.get<std::string>());
    } else {
      mark(value);
    }
  }
}

void ChatMarks::mark(ChatContext& value) {
  std::string text = value.get<std::string>();
  const std::string_view core = stripped(text);
  if (core.empty()) return;
  const auto number = static_cast<char32_t>(std::min(strings_.size(), kStringsMax));
  const auto begin = static_cast<std::size_t>(core.data() - text.data());
  const std::size_t size = core.size();
  strings_.push_back(text);
  text.insert(begin + size, character(kFirst + 2 * number + 1));
  text.insert(begin, character(kFirst + 2 * number));
  value = std::move(text);
}

std::optional<std::vector<RenderedChat::Range>> ChatMarks::ranges(std::string_view text,
                                                                  std::string_view marked_text) const {
  if (strings_.size() > kStringsMax || holds_marks(text)) return std::nullopt;
  std::vector<RenderedChat::Range> ranges;
  constexpr std::size_t kNothing = ~std::size_t{0};
  std::size_t open = kNothing;
  std::size_t begin = 0;
  std::size_t at = 0;
  for (std::size_t i = 0; i < marked_text.size();) {
    if (marked_text[i] != kMarkLead) {
      if (at == text.size() || text[at++] != marked_text[i++]) return std::nullopt;
      continue;
    }
    const Utf8Scan scan = scan_utf8(marked_text, i);
    if (scan.state != Utf8Scan::State::kWhole || scan.code < kFirst) return std::nullopt;
    const std::size_t number = (scan.code - kFirst) / 2;
    const bool opens = (scan.code - kFirst) % 2 == 0;
    if (number >= strings_.size() || open != (opens ? kNothing : number)) return std::nullopt;
    if (opens) {
      open = number;
      begin = at;
    } else {
      open = kNothing;
      const std::size_t lowest = ranges.empty() ? 0 : ranges.back().end;
      const RenderedChat::Range range = widened({begin, at}, lowest, text, strings_[number]);
      if (!ranges.empty() && ranges.back().end >= range.begin) {
        ranges.back().end = std::max(ranges.back().end, range.end);
      } else if (range.begin < range.end) {
        ranges.push_back(range);
      }
    }
    i += scan.size;
  }
  if (open != kNothing || at != text.size()) return std::nullopt;
  return ranges;
}

RenderedChat ChatMarks::place(std::string text, const std::optional<std::string>& marked_text) const {
  RenderedChat chat;
  chat.unplaced = bare_;
  std::optional<std::vector<RenderedChat::Range>> found;
  if (marked_text) found = ranges(text, *marked_text);
  if (found) {
    chat.contents = std::move(*found);
  } else {
    chat.unplaced.insert(chat.unplaced.end(), strings_.begin(), strings_.end());
  }
  chat.text = std::move(text);
  return chat;
}

}  // namespace pith::tokenizer
