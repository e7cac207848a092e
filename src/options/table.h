#pragma once

#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>

#include "base/described.h"
#include "options/option.h"

// What is computed from tables while they are compiled: whether they are complete, rows by member, the order of rows in
// a snapshot.
namespace pith::options {

template <Tabled Struct>
inline constexpr std::size_t row_count = std::tuple_size_v<std::remove_cvref_t<decltype(Table<Struct>::rows)>>;

namespace table {

template <typename A, typename B>
constexpr bool same_member(A a, B b) {
  if constexpr (std::is_same_v<A, B>) {
    return a == b;
  } else {
    return false;
  }
}

/// Returns the index of the first row that `matches` accepts; the number of rows if there is none.
template <Tabled Struct, typename Matches>
constexpr std::size_t find_row(const Matches& matches) {
  std::size_t found = row_count<Struct>;
  std::size_t index = 0;
  for_each_option<Struct>([&](const auto& row) {
    if (found == row_count<Struct> && matches(row)) found = index;
    ++index;
  });
  return found;
}

/// Counts the rows that `matches` accepts.
template <Tabled Struct, typename Matches>
constexpr std::size_t count_rows(const Matches& matches) {
  std::size_t count = 0;
  for_each_option<Struct>([&](const auto& row) {
    if (matches(row)) ++count;
  });
  return count;
}

/// Whether no two rows have the same member, name or flag.
template <Tabled Struct>
constexpr bool is_distinct() {
  bool distinct = true;
  for_each_option<Struct>([&](const auto& row) {
    const auto equal = [&](const auto& other) {
      return same_member(other.member, row.member) || other.name == row.name ||
             (!row.flag.names.empty() && other.flag.names == row.flag.names);
    };
    distinct = distinct && count_rows<Struct>(equal) == 1;
  });
  return distinct;
}

template <Tabled Struct>
constexpr std::size_t saved_count() {
  return count_rows<Struct>([](const auto& row) { return row.saved.since != 0; });
}

/// Whether all rows state whether they are saved, or none does, and the places are 1, 2, 3, … in the order in which
/// versions of the format added them.
template <Tabled Struct>
constexpr bool has_sound_places() {
  const std::size_t stated = count_rows<Struct>([](const auto& row) { return row.saved.stated; });
  if (stated != 0 && stated != row_count<Struct>) return false;
  std::uint32_t version = 1;
  for (std::size_t place = 1; place <= saved_count<Struct>(); ++place) {
    std::uint32_t since = 0;
    for_each_option<Struct>([&](const auto& row) { since = row.saved.place == place ? row.saved.since : since; });
    if (since < version) return false;
    version = since;
  }
  return true;
}

}  // namespace table

/// Whether the table lists every member of its struct once, and what it says of snapshots makes sense.
template <Tabled Struct>
consteval bool is_complete() {
  return row_count<Struct> == described::field_count<Struct>() && table::is_distinct<Struct>() &&
         table::has_sound_places<Struct>();
}

/// What a pointer to a member points into, and to.
template <typename Pointer>
struct MemberPointer;

template <typename S, typename M>
struct MemberPointer<M S::*> {
  using Struct = S;
  using Member = M;
};

/// Returns the row of a member: row_of<&KvOptions::key>().
template <auto Pointer>
constexpr const auto& row_of() {
  using Struct = typename MemberPointer<decltype(Pointer)>::Struct;
  constexpr std::size_t kIndex =
      table::find_row<Struct>([](const auto& row) { return table::same_member(row.member, Pointer); });
  return std::get<kIndex>(Table<Struct>::rows);
}

/// Calls visit(row) with each row that snapshots keep, in the order of their places.
template <Tabled Struct, typename Visit>
constexpr void for_each_saved(const Visit& visit) {
  const auto visit_place = [&]<std::size_t kPlace>() {
    constexpr std::size_t kIndex = table::find_row<Struct>([](const auto& row) { return row.saved.place == kPlace; });
    visit(std::get<kIndex>(Table<Struct>::rows));
  };
  [&]<std::size_t... kBefore>(std::index_sequence<kBefore...>) {
    (visit_place.template operator()<kBefore + 1>(), ...);
  }
  (std::make_index_sequence<table::saved_count<Struct>()>());
}

}  // namespace pith::options
