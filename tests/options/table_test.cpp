#include "options/table.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "options/all_options.h"
#include "support/paths.h"

// Tables are complete, and one that is not does not compile: is_complete() is what the tables are asserted by.
namespace pith::options {
namespace {

// Structs of their own, so that each has a table.
struct Sound {
  int a = 1;
  int b = 2;
  std::vector<int> c{};
};
struct Forgotten {
  int a = 1;
  int b = 2;
};
struct ListedTwice {
  int a = 1;
  int b = 2;
};
struct SameName {
  int a = 1;
  int b = 2;
};
struct SameFlag {
  int a = 1;
  int b = 2;
};
struct NotStated {
  int a = 1;
  int b = 2;
};
struct GapInPlaces {
  int a = 1;
  int b = 2;
};
struct OlderAfterNewer {
  int a = 1;
  int b = 2;
};

}  // namespace

template <>
struct Table<Sound> {
  static constexpr std::tuple rows{option("a", &Sound::a, "A").on_command_line("--a", "N").saved_since(2, 2),
                                   option("b", &Sound::b, "B").at_least(0).saved_since(1, 1),
                                   option("c", &Sound::c, "C").not_saved()};
};
template <>
struct Table<Forgotten> {
  static constexpr std::tuple rows{option("a", &Forgotten::a, "A")};
};
template <>
struct Table<ListedTwice> {
  static constexpr std::tuple rows{option("a", &ListedTwice::a, "A"), option("b", &ListedTwice::a, "B")};
};
template <>
struct Table<SameName> {
  static constexpr std::tuple rows{option("a", &SameName::a, "A"), option("a", &SameName::b, "B")};
};
template <>
struct Table<SameFlag> {
  static constexpr std::tuple rows{option("a", &SameFlag::a, "A").on_command_line("--x", "N"),
                                   option("b", &SameFlag::b, "B").on_command_line("--x", "N")};
};
template <>
struct Table<NotStated> {
  static constexpr std::tuple rows{option("a", &NotStated::a, "A").saved_since(1, 1), option("b", &NotStated::b, "B")};
};
template <>
struct Table<GapInPlaces> {
  static constexpr std::tuple rows{option("a", &GapInPlaces::a, "A").saved_since(1, 1),
                                   option("b", &GapInPlaces::b, "B").saved_since(1, 3)};
};
template <>
struct Table<OlderAfterNewer> {
  static constexpr std::tuple rows{option("a", &OlderAfterNewer::a, "A").saved_since(2, 1),
                                   option("b", &OlderAfterNewer::b, "B").saved_since(1, 2)};
};

namespace {

TEST(Table, WhatIsWrongDoesNotCompile) {
  static_assert(is_complete<Sound>());
  static_assert(!is_complete<Forgotten>());
  static_assert(!is_complete<ListedTwice>());
  static_assert(!is_complete<SameName>());
  static_assert(!is_complete<SameFlag>());
  static_assert(!is_complete<NotStated>());
  static_assert(!is_complete<GapInPlaces>());
  static_assert(!is_complete<OlderAfterNewer>());
}

TEST(Table, RowsAreFoundByMember) {
  EXPECT_EQ(row_of<&Sound::b>().name, "b");
  EXPECT_EQ(row_of<&Sound::b>().range.least, 0);
  EXPECT_EQ(row_of<&Sound::a>().flag.names, "--a");
  EXPECT_EQ(row_of<&SamplingOptions::top_p>().name, "top_p");
}

TEST(Table, SavedRowsComeInTheOrderOfTheirPlaces) {
  std::vector<std::string_view> names;
  for_each_saved<Sound>([&](const auto& row) { names.push_back(row.name); });
  EXPECT_EQ(names, (std::vector<std::string_view>{"b", "a"}));
}

/// The text of all public headers.
std::string headers() {
  std::string text;
  for (const auto& entry : std::filesystem::directory_iterator(std::string(PITH_SOURCE_DIR) + "/include/pith"))
    text += test::read_file(entry.path());
  return text;
}

TEST(Table, NamesAreThoseOfThePublicApi) {
  const std::string text = headers();
  test::for_each_struct([&](const auto& defaults) {
    for_each_option<std::remove_cvref_t<decltype(defaults)>>([&](const auto& row) {
      const std::string name = " " + std::string(row.name);
      EXPECT_TRUE(text.find(name + " = ") != std::string::npos || text.find(name + "{") != std::string::npos) << name;
    });
  });
}

TEST(Table, HelpIsOneLineWithoutAPoint) {
  test::for_each_struct([](const auto& defaults) {
    for_each_option<std::remove_cvref_t<decltype(defaults)>>([](const auto& row) {
      EXPECT_GT(row.help.size(), 10U) << row.name;
      EXPECT_EQ(row.help.find('\n'), std::string_view::npos) << row.name;
      EXPECT_NE(row.help.back(), '.') << row.name;
      EXPECT_EQ(row.help.find("default"), std::string_view::npos) << row.name << ": the command line adds the default";
    });
  });
}

TEST(Table, DefaultsAreInRange) {
  test::for_each_struct([](const auto& defaults) {
    test::for_each_number<std::remove_cvref_t<decltype(defaults)>>(
        [&](const auto& row) { EXPECT_TRUE(row.range.allows(defaults.*(row.member))) << row.name; });
  });
}

TEST(Table, FlagsAreDistinctOverAllTables) {
  std::set<std::string_view> flags;
  test::for_each_struct([&](const auto& defaults) {
    for_each_option<std::remove_cvref_t<decltype(defaults)>>([&](const auto& row) {
      EXPECT_TRUE(row.flag.names.empty() || flags.insert(row.flag.names).second) << row.flag.names;
    });
  });
  EXPECT_GT(flags.size(), 30U);
}

}  // namespace
}  // namespace pith::options
