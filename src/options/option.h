#pragma once

#include <cstdint>
#include <string_view>
#include <tuple>

#include "options/range.h"

namespace pith::options {

/// Whether a snapshot keeps an option, and where.
struct Saved {
  bool stated = false;
  /// The first version of the format that has it; 0: none has.
  std::uint32_t since = 0;
  /// Its place among the options of its struct in the file, from 1 on.
  std::size_t place = 0;
};

/// How the command line calls an option; none of its own if `names` is empty.
struct Flag {
  std::string_view names{};  ///< "-n,--tokens"
  std::string_view value{};  ///< What stands for the value in the help: "N". Empty for switches.
};

/// All that is known of one member of an options struct. Checks, snapshots, the command line and JSON read it.
template <typename StructType, typename MemberType>
struct Option {
  using Struct = StructType;
  using Member = MemberType;

  std::string_view name;  ///< As the public API spells it.
  Member Struct::*member;
  std::string_view help;  ///< One line. The command line adds the default.
  Range<Member> range{};
  Flag flag{};
  Saved saved{};

  constexpr Option at_least(Member least) const { return with(Range<Member>{.least = least}); }
  constexpr Option above(Member least) const { return with(Range<Member>{.least = least, .above_least = true}); }
  constexpr Option above(Member least, Member most) const {
    return with(Range<Member>{.least = least, .most = most, .above_least = true});
  }
  constexpr Option between(Member least, Member most) const {
    return with(Range<Member>{.least = least, .most = most});
  }
  constexpr Option multiple_of(Member step, Member most) const {
    return with(Range<Member>{.least = step, .most = most, .step = step});
  }
  constexpr Option on_command_line(std::string_view names, std::string_view value = {}) const {
    Option changed = *this;
    changed.flag = {names, value};
    return changed;
  }
  /// A snapshot keeps it from this version of the format on, at this place among the options of its struct.
  constexpr Option saved_since(std::uint32_t version, std::size_t place) const {
    Option changed = *this;
    changed.saved = {true, version, place};
    return changed;
  }
  /// No snapshot keeps it.
  constexpr Option not_saved() const {
    Option changed = *this;
    changed.saved = {.stated = true};
    return changed;
  }

 private:
  constexpr Option with(const Range<Member>& changed_range) const {
    Option changed = *this;
    changed.range = changed_range;
    return changed;
  }
};

template <typename Struct, typename Member>
constexpr Option<Struct, Member> option(std::string_view name, Member Struct::*member, std::string_view help) {
  return {name, member, help};
}

/// The table of an options struct: a static constexpr tuple `rows` with an Option for each member. Follow it by
/// `static_assert(is_complete<T>())`.
template <typename Struct>
struct Table;

template <typename T>
concept Tabled = requires {
  Table<T>::rows;
};

/// The words for the values of an enumeration: a static constexpr array `list` of pairs of value and word.
template <typename Enum>
struct Words;

template <typename T>
concept Worded = requires {
  Words<T>::list;
};

/// Returns the word for a value.
template <Worded Enum>
constexpr std::string_view word(Enum value) {
  for (const auto& [known, text] : Words<Enum>::list) {
    if (known == value) return text;
  }
  return "";
}

/// Calls visit(row) with each row of the struct's table, in order.
template <Tabled Struct, typename Visit>
constexpr void for_each_option(const Visit& visit) {
  std::apply([&](const auto&... rows) { (visit(rows), ...); }, Table<Struct>::rows);
}

}  // namespace pith::options
