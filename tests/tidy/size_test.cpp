#include <set>

#include "tidy/source_tree.h"

// One idea a file, short functions, lines that fit a screen.
namespace pith::tidy {
namespace {

constexpr std::size_t kFileLinesMax = 400;
constexpr std::size_t kFunctionLinesMax = 100;
constexpr std::size_t kLineWidthMax = 120;

// Files that may be longer, each with the reason behind it. Tables of data are the only good one.
const std::set<std::string>& long_files() {
  static const std::set<std::string> files = {};
  return files;
}

// Code points: bytes that do not continue a UTF-8 character.
std::size_t width(const std::string& line) {
  return static_cast<std::size_t>(
      std::count_if(line.begin(), line.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

Findings wide_lines(const SourceFile& file) {
  Findings findings;
  for (std::size_t i = 0; i < file.lines.size(); ++i) {
    const std::size_t columns = width(file.lines[i]);
    if (columns > kLineWidthMax) findings.push_back({file.path, i + 1, std::to_string(columns) + " columns"});
  }
  return findings;
}

// Functions at namespace scope, found by the layout that clang-format gives them: a line at the margin ends in '{', and
// the next '}' at the margin closes it.
Findings long_functions(const SourceFile& file) {
  static const std::regex no_function(
      "^(inline )?(namespace|class|struct|enum|union|extern|constexpr|const|static|template)\\b");
  Findings findings;
  std::size_t begin = 0;
  const std::vector<std::string> code = code_of(file.lines);
  for (std::size_t i = 0; i < code.size(); ++i) {
    const bool at_margin = !code[i].empty() && code[i][0] != ' ' && code[i][0] != '#';
    if (at_margin && code[i].ends_with("{") && code[i].find(')') != std::string::npos) begin = i + 1;
    if (at_margin && code[i].ends_with("{") && std::regex_search(code[i], no_function) &&
        code[i].find('(') == std::string::npos) {
      begin = 0;
    }
    if (at_margin && code[i][0] == '}' && begin != 0) {
      const std::size_t lines = i + 2 - begin;
      if (lines > kFunctionLinesMax)
        findings.push_back({file.path, begin, "a function of " + std::to_string(lines) + " lines"});
      begin = 0;
    }
  }
  return findings;
}

Findings too_long(const SourceFile& file) {
  if (file.lines.size() <= kFileLinesMax || long_files().contains(file.path)) return {};
  return {{file.path, file.lines.size(), "a file of " + std::to_string(file.lines.size()) + " lines: split it"}};
}

TEST(Size, FilesHoldOneIdea) { EXPECT_TRUE(none(collect(read_cpp(), too_long))); }

TEST(Size, ExceptionsAreStillNeeded) {
  for (const std::string& path : long_files()) {
    const std::string text = read_text(std::filesystem::path(PITH_SOURCE_DIR) / path);
    EXPECT_GT(split_lines(text).size(), kFileLinesMax) << path << " need not be an exception";
  }
}

TEST(Size, LinesFitAScreen) {
  EXPECT_TRUE(none(collect(read_cpp(), wide_lines)));
  EXPECT_TRUE(none(collect(read_tree("scripts", {".sh", ".py"}), wide_lines)));
}

TEST(Size, FunctionsAreShort) { EXPECT_TRUE(none(collect(read_cpp(), long_functions))); }

TEST(Size, BreachesAreFound) {
  EXPECT_EQ(wide_lines({"a.cpp", {std::string(120, 'x'), std::string(121, 'x')}}).size(), 1U);
  // Sixty characters of two bytes each are sixty columns.
  std::string accents;
  for (int i = 0; i < 70; ++i) accents += "\xC3\xA9";
  EXPECT_EQ(wide_lines({"a.cpp", {accents}}).size(), 0U);

  std::vector<std::string> lines = {"namespace a {", "void f() {"};
  lines.insert(lines.end(), kFunctionLinesMax - 2, "  g();");
  lines.insert(lines.end(), {"}", "}  // namespace a"});
  EXPECT_EQ(long_functions({"a.cpp", lines}).size(), 0U);
  lines.insert(lines.begin() + 2, "  g();");
  const Findings findings = long_functions({"a.cpp", lines});
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].line, 2U);
}

}  // namespace
}  // namespace pith::tidy
