#include "tools/option_flags.h"

#include <string>

#include "options/all_options.h"
#include "tools/tool.h"

// The command line has every option that the tables give a flag, with their help, default and range.
namespace pith::test {
namespace {

void replace_all(std::string& text, const std::string& from, const std::string& to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
}

/// Returns a manual page as it reads: it has no lines that are broken, as --help has.
std::string page(const std::string& subcommand) {
  std::string text = pith_output({"man", subcommand});
  for (const auto& [from, to] : {std::pair{"\\-", "-"}, {"\\(dq", "\""}, {"\\fB", ""}, {"\\fI", ""}, {"\\fR", ""}})
    replace_all(text, from, to);
  return text;
}

/// Returns the longest name of a flag: "--tokens" of "-n,--tokens".
std::string long_name(std::string_view names) { return std::string(names.substr(names.find("--"))); }

template <typename Struct>
void expect_flags(const std::string& page) {
  options::for_each_option<Struct>([&](const auto& row) {
    if (row.flag.names.empty()) return;
    const std::string name = long_name(row.flag.names);
    const std::size_t at = page.find(name);
    ASSERT_NE(at, std::string::npos) << name;
    EXPECT_NE(page.find(row.help, at), std::string::npos) << name;
    if constexpr (options::Number<typename std::remove_cvref_t<decltype(row)>::Member>) {
      const std::string preset = fmt::format("; default {}.", Struct{}.*(row.member));
      EXPECT_NE(page.find(std::string(row.help) + preset, at), std::string::npos) << name;
    }
  });
}

TEST(OptionFlags, HelpIsThatOfTheTables) {
  const std::string run = page("run");
  const std::string chat = page("chat");
  expect_flags<ModelOptions>(run);
  expect_flags<KvOptions>(run);
  expect_flags<SessionOptions>(chat);
  expect_flags<EvictionOptions>(run);
  expect_flags<SamplingOptions>(run);
  expect_flags<GenerateOptions>(run);
  expect_flags<ChatOptions>(chat);
}

template <typename Struct>
void expect_ranges(const Args& line = {"run", "-m", "none.gguf", "-p", "x"}) {
  for_each_number<Struct>([&](const auto& row) {
    if (row.flag.names.empty()) return;
    const std::string name = long_name(row.flag.names);
    for (const auto value : ends_of(row.range).outside) {
      const std::string text = fmt::format("{}", value);
      Args with_value = line;
      with_value.push_back(fmt::format("{}={}", name, text));
      const Outcome outcome = pith(with_value);
      EXPECT_EQ(outcome.status, 2) << name << " " << text << ": " << outcome.err;
      const std::string expected = fmt::format("{} is {}, {}", row.name, text, options::requirement(row.range));
      EXPECT_NE(outcome.err.find(expected), std::string::npos) << outcome.err;
    }
  });
}

TEST(OptionFlags, RangesAreCheckedBeforeAModelIsLoaded) {
  expect_ranges<ModelOptions>();
  expect_ranges<KvOptions>();
  expect_ranges<SessionOptions>({"chat", "-m", "none.gguf"});
  expect_ranges<EvictionOptions>();
  expect_ranges<SamplingOptions>();
  expect_ranges<GenerateOptions>();
}

TEST(OptionFlags, ASharesRangeHoldsForListsToo) {
  for (const Args& more : {Args{"--sparse", "0"}, Args{"--sparse", "0.5", "--sparse", "1.5"}}) {
    Args line = {"bench", "-m", "none.gguf"};
    line.insert(line.end(), more.begin(), more.end());
    const Outcome outcome = pith(line);
    EXPECT_EQ(outcome.status, 2) << outcome.err;
    EXPECT_NE(outcome.err.find("must be above 0 and at most 1"), std::string::npos) << outcome.err;
  }
}

TEST(OptionFlags, WhatIsNoNumberIsForWhoeverReadsIt) {
  const auto& row = options::row_of<&SamplingOptions::top_p>();
  for (const char* text : {"", "hot", "2x", "0x2"}) EXPECT_EQ(tools::range_complaint(row, text), "") << text;
  EXPECT_EQ(tools::range_complaint(row, "2"), "top_p is 2, allowed are 0 to 1");
  EXPECT_EQ(tools::range_complaint(row, "nan"), "top_p is nan, allowed are 0 to 1");
  EXPECT_EQ(tools::range_complaint(row, "1"), "");
}

TEST(OptionFlags, TheDefaultIsWhatTheValueHolds) {
  EXPECT_EQ(tools::flag_help(options::row_of<&SamplingOptions::top_k>(), 5, ""),
            "Draw from the N most likely tokens; 0: from all; default 5");
  EXPECT_EQ(tools::flag_help(options::row_of<&EvictionOptions::selector>(), std::string("token"), ": token or page"),
            "Which tokens stay, given their scores: token or page; default token");
  EXPECT_EQ(tools::flag_help(options::row_of<&ChatOptions::system>(), std::string(), ""), "The system message");
  EXPECT_EQ(tools::flag_help(options::row_of<&KvOptions::page_checksums>(), false, ""),
            options::row_of<&KvOptions::page_checksums>().help);
}

}  // namespace
}  // namespace pith::test
