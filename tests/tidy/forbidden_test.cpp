#include "tidy/source_tree.h"

// The library never ends the host program, never prints and has no global state; failures are pith::Error.
namespace pith::tidy {
namespace {

struct Rule {
  std::regex pattern;
  std::string what;
};

const std::vector<Rule>& library_rules() {
  static const std::vector<Rule> rules = {
      {std::regex(R"re((^|[^\w.>])(std::|::)?(abort|exit|_exit|_Exit|quick_exit|terminate)\s*\()re"),
       "ends the host program"},
      {std::regex(R"re(\b__builtin_(trap|abort)\b)re"), "ends the host program"},
      {std::regex(R"re((^|[^\w])assert\s*\()re"), "an assert ends the host program: throw Error(kInternal) instead"},
      {std::regex(R"re(<cassert>|<assert\.h>)re"), "an assert ends the host program: throw Error(kInternal) instead"},
      {std::regex(R"re(\bstd::(cout|cerr|clog)\b)re"), "prints"},
      {std::regex(R"re((^|[^\w])(printf|fprintf|vprintf|vfprintf|puts|fputs|putchar|perror)\s*\()re"), "prints"},
      {std::regex(R"re(\b(stdout|stderr)\b)re"), "prints"},
      {std::regex(R"re(\bfmt::print\b|<iostream>|<fmt/color\.h>)re"), "prints"},
      {std::regex(R"re(\bspdlog::(info|warn|error|debug|default_logger|set_level|get)\b)re"),
       "uses a logger that all share"},
      {std::regex(R"re(\bstd::(rand|srand|random_device)\b)re"), "a generator whose state is not the session's"},
      {std::regex(R"re(\bthread_local\b)re"), "state outside of the caller's objects"},
  };
  return rules;
}

const std::vector<Rule>& everywhere_rules() {
  static const std::vector<Rule> rules = {
      {std::regex(R"re(\busing namespace std\b)re"), "a using directive for a whole library"},
      {std::regex(R"re(^\s*#\s*if\s+0\b)re"), "code that is switched off"},
  };
  return rules;
}

Findings breaches(const SourceFile& file, const std::vector<Rule>& rules) {
  Findings findings;
  const std::vector<std::string> code = code_of(file.lines);
  for (std::size_t i = 0; i < code.size(); ++i) {
    for (const Rule& rule : rules) {
      if (std::regex_search(code[i], rule.pattern)) findings.push_back({file.path, i + 1, rule.what + ": " + code[i]});
    }
  }
  return findings;
}

Findings notes_to_self(const SourceFile& file) {
  // Put together here so that this file passes its own test.
  static const std::regex pattern(std::string("\\b(TO") + "DO|FIX" + "ME|XX" + "X)\\b");
  Findings findings;
  for (std::size_t i = 0; i < file.lines.size(); ++i) {
    if (std::regex_search(file.lines[i], pattern))
      findings.push_back({file.path, i + 1, "unfinished: " + file.lines[i]});
  }
  return findings;
}

// Files that include CLI11's headers take longer to compile and to check for these than for everything else.
Findings sights_of_cli11(const SourceFile& file) {
  Findings findings;
  if (file.path == "src/tools/command_line.cpp") return findings;
  for (const Include& include : includes_of(file)) {
    if (include.target.starts_with("CLI/"))
      findings.push_back({file.path, include.line, "CLI11 is for src/tools/command_line.cpp only"});
  }
  return findings;
}

TEST(Forbidden, LibraryNeverEndsOrPrints) {
  const auto rule = [](const SourceFile& file) {
    return file.path.starts_with("src/tools/") ? Findings{} : breaches(file, library_rules());
  };
  for (const char* folder : {"include", "src"}) EXPECT_TRUE(none(collect(read_tree(folder, {".h", ".cpp"}), rule)));
}

TEST(Forbidden, NowhereInTheProject) {
  EXPECT_TRUE(none(collect(read_cpp(), [](const SourceFile& file) { return breaches(file, everywhere_rules()); })));
  EXPECT_TRUE(none(collect(read_cpp(), notes_to_self)));
  EXPECT_TRUE(none(collect(read_cpp(), sights_of_cli11)));
}

TEST(Forbidden, BreachesAreFound) {
  const auto count = [](const std::string& line) { return breaches({"src/kv/a.cpp", {line}}, library_rules()).size(); };
  EXPECT_EQ(count("  std::abort();"), 1U);
  EXPECT_EQ(count("  exit(1);"), 1U);
  EXPECT_EQ(count("  if (bad) ::_exit (1);"), 1U);
  EXPECT_EQ(count("  assert(x > 0);"), 1U);
  EXPECT_EQ(count("  std::cerr << x;"), 1U);
  EXPECT_EQ(count("  printf(\"%d\", x);"), 1U);
  EXPECT_EQ(count("  fprintf(stderr, \"\");"), 2U);
  EXPECT_EQ(count("  static_assert(sizeof(int) == 4);"), 0U);
  EXPECT_EQ(count("  std::snprintf(buffer, size, \"%g\", x);"), 0U);
  EXPECT_EQ(count("  loop.exit();  // exit(1) would be wrong"), 0U);
  EXPECT_EQ(count("  return \"printf(stderr)\";"), 0U);
  EXPECT_EQ(count("  on_exit(x);"), 0U);
  EXPECT_EQ(notes_to_self({"a.cpp", {std::string("// TO") + "DO: more"}}).size(), 1U);
  EXPECT_EQ(sights_of_cli11({"src/tools/run.cpp", {"#include <CLI/CLI.hpp>"}}).size(), 1U);
  EXPECT_EQ(sights_of_cli11({"src/tools/command_line.cpp", {"#include <CLI/CLI.hpp>"}}).size(), 0U);
}

TEST(CodeOf, BlanksCommentsAndLiterals) {
  EXPECT_EQ(code_of({"a; // b", "c /* d", "e */ f"}), (std::vector<std::string>{"a; ", "c ", " f"}));
  EXPECT_EQ(code_of({R"(x = "a \" // b"; y)"}), std::vector<std::string>{R"(x = ""; y)"});
  EXPECT_EQ(code_of({"n = 1'000; c = '\"'; d"}), std::vector<std::string>{"n = 1'000; c = ''; d"});
  EXPECT_EQ(code_of({"r = R\"re(abort(\")re\"; s"}), std::vector<std::string>{"r = \"\"; s"});
}

}  // namespace
}  // namespace pith::tidy
