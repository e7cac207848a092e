#pragma once

#include <fmt/format.h>

#include <charconv>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "options/table.h"
#include "tools/command_line.h"

// The command line's options for members of the library's options: names, help and range come from src/options.
namespace pith::tools {

/// Returns what is wrong with the text of a value: that it is outside of the option's range. Empty if nothing is, or if
/// the text is no number, which whoever reads it finds.
template <typename Row>
std::string range_complaint(const Row& row, const std::string& text) {
  if constexpr (options::Number<typename Row::Member>) {
    typename Row::Member value{};
    const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool is_number = error == std::errc() && rest == text.data() + text.size();
    if (is_number && !row.range.allows(value))
      return fmt::format("{} is {}, {}", row.name, text, options::requirement(row.range));
  }
  return "";
}

/// Returns what the help says: the option's line, `more` that only the command knows, and the default if there is one.
template <typename Row, typename Value>
std::string flag_help(const Row& row, const Value& preset, const std::string& more) {
  std::string text = std::string(row.help) + more;
  if constexpr (options::Number<Value>) text += fmt::format("; default {}", preset);
  if constexpr (options::Worded<Value>) text += fmt::format("; default {}", options::word(preset));
  if constexpr (std::is_same_v<Value, std::string>) text += preset.empty() ? "" : "; default " + preset;
  return text;
}

/// Adds the command line's option for a row. What `value` holds is the default.
template <typename Row, typename Value>
Option* add_flag(Command& app, const Row& row, Value& value, const std::string& more = {}) {
  const std::string names(row.flag.names);
  const std::string help = flag_help(row, value, more);
  if constexpr (std::is_same_v<Value, bool>) {
    return app.add_flag(names, value, help);
  } else if constexpr (options::Worded<Value>) {
    std::vector<std::pair<std::string, Value>> known;
    known.reserve(options::Words<Value>::list.size());
    for (const auto& [meaning, word] : options::Words<Value>::list) known.emplace_back(word, meaning);
    return app.add_choice(names, value, known, help);
  } else {
    Option* added = app.add_option(names, value, help)->type_name(std::string(row.flag.value));
    if constexpr (options::Number<typename Row::Member>)
      added->check([row](const std::string& text) { return range_complaint(row, text); });
    if constexpr (std::is_same_v<Value, std::vector<std::string>>) added->one_value();
    return added;
  }
}

/// The same for a member: add_flag<&KvOptions::read_share>(app, share).
template <auto Member, typename Value>
Option* add_flag(Command& app, Value& value, const std::string& more = {}) {
  return add_flag(app, options::row_of<Member>(), value, more);
}

/// Adds all rows of a struct that have a flag, but those whose values the command line writes otherwise than as one
/// number, word, text or list of texts. Returns what was added.
template <options::Tabled Struct>
std::vector<const Option*> add_flags(Command& app, Struct& options) {
  std::vector<const Option*> added;
  options::for_each_option<Struct>([&](const auto& row) {
    using Member = typename std::remove_cvref_t<decltype(row)>::Member;
    if constexpr (std::is_arithmetic_v<Member> || std::is_same_v<Member, std::vector<std::string>>) {
      if (!row.flag.names.empty()) added.push_back(add_flag(app, row, options.*(row.member)));
    }
  });
  return added;
}

}  // namespace pith::tools
