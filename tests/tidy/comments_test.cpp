#include <map>
#include <set>

#include "tidy/source_tree.h"

// Comments name files, decision records, functions and parameters that exist, so that a renaming takes them along.
namespace pith::tidy {
namespace {

namespace fs = std::filesystem;

using Words = std::set<std::string>;

// By hand, since a regex takes seconds for all of the code.
void add_words(const std::vector<std::string>& lines, Words& to) {
  const auto in_word = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; };
  for (const std::string& line : lines) {
    for (auto at = line.begin(); at != line.end();) {
      at = std::find_if(at, line.end(), in_word);
      const auto end = std::find_if_not(at, line.end(), in_word);
      if (at != end) to.emplace(at, end);
      at = end;
    }
  }
}

// Every file of the project by each end of its path: "kv/core/cache.h" and "cache.h" for src/kv/core/cache.h.
std::set<std::string> path_ends() {
  std::set<std::string> ends;
  for (const char* folder :
       {"include", "src", "tests", "bench", "examples", "docs", "scripts", "cmake", "README.md", "CONTRIBUTING.md"}) {
    const fs::path root = fs::path(PITH_SOURCE_DIR);
    const auto add = [&](const fs::path& file) {
      std::string path = fs::relative(file, root).generic_string();
      ends.insert(path);
      for (std::size_t at = path.find('/'); at != std::string::npos; at = path.find('/')) {
        path.erase(0, at + 1);
        ends.insert(path);
      }
    };
    if (fs::is_regular_file(root / folder)) add(root / folder);
    if (!fs::is_directory(root / folder)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(root / folder)) add(entry.path());
  }
  return ends;
}

template <typename Check>
void for_each_match(const std::vector<std::string>& lines, const std::regex& pattern, const Check& check) {
  for (std::size_t i = 0; i < lines.size(); ++i) {
    for (std::sregex_iterator it(lines[i].begin(), lines[i].end(), pattern), end; it != end; ++it) check(i + 1, *it);
  }
}

// Paths ("kv/core/cache.h", "docs/adr"), whole or from any folder on.
Findings dead_paths(const SourceFile& file, const std::set<std::string>& ends) {
  static const std::regex path(R"(\w+://\S+)"
                               R"(|(?:[\w-]+/)*(?:[\w-]+\.(?:cpp|h|md|py|sh|cmake)\b|CMakeLists\.txt))"
                               R"(|\b(?:src|tests|docs|bench|scripts|include)/[\w/-]+)");
  Findings findings;
  for_each_match(parts_of(file.lines).comments, path, [&](std::size_t line, const std::smatch& match) {
    std::string name = match.str();
    while (name.ends_with('/')) name.pop_back();
    if (name.find("://") != std::string::npos || ends.contains(name)) return;
    findings.push_back({file.path, line, "names '" + name + "', which does not exist"});
  });
  return findings;
}

// "ADR 7".
Findings dead_decisions(const SourceFile& file, const std::set<std::string>& ends) {
  static const std::regex decision(R"(\bADR (\d+))");
  Findings findings;
  for_each_match(parts_of(file.lines).comments, decision, [&](std::size_t line, const std::smatch& match) {
    const std::string begin =
        "docs/adr/" + std::string(4 - std::min<std::size_t>(4, match[1].str().size()), '0') + match[1].str() + "-";
    const auto found = ends.lower_bound(begin);
    if (found != ends.end() && found->starts_with(begin)) return;
    findings.push_back({file.path, line, "names " + match.str() + ", which does not exist"});
  });
  return findings;
}

// Functions and members, "name()" and "Class::member", whose names must be words of the code.
Findings dead_functions(const SourceFile& file, const Words& code) {
  static const std::regex name(R"(\b([A-Za-z_][\w:.]*)\(\)|\b([A-Z]\w*)::(\w+))");
  static const std::regex foreign(R"(^(std|str)\b)");
  static const std::regex word(R"(\w+)");
  Findings findings;
  for_each_match(parts_of(file.lines).comments, name, [&](std::size_t line, const std::smatch& match) {
    const std::string whole = match.str();
    if (std::regex_search(whole, foreign)) return;
    for (std::sregex_iterator it(whole.begin(), whole.end(), word), end; it != end; ++it) {
      if (code.contains(it->str())) continue;
      findings.push_back({file.path, line, "names '" + whole + "', which does not exist"});
      return;
    }
  });
  return findings;
}

// Words in backticks, which must be in the code or the literals of the file or of its header or source file.
Findings dead_identifiers(const SourceFile& file, const Words& code) {
  static const std::regex identifier(R"(`([A-Za-z_]\w*)`)");
  Findings findings;
  for_each_match(parts_of(file.lines).comments, identifier, [&](std::size_t line, const std::smatch& match) {
    if (code.contains(match[1])) return;
    findings.push_back({file.path, line, "has " + match.str() + " in a comment, but not in its code"});
  });
  return findings;
}

// The path without what follows the last dot: the same for a header and its source file.
std::string stem_of(const std::string& path) { return path.substr(0, path.rfind('.')); }

Words words_of(const std::vector<SourceFile>& files, bool with_literals) {
  Words words;
  for (const SourceFile& file : files) {
    const Parts parts = parts_of(file.lines);
    add_words(parts.code, words);
    if (with_literals) add_words(parts.literals, words);
  }
  return words;
}

// The tests of this folder quote what is wrong.
std::vector<SourceFile> commented_files() {
  std::vector<SourceFile> files = read_cpp();
  std::erase_if(files, [](const SourceFile& file) { return file.path.starts_with("tests/tidy/"); });
  return files;
}

TEST(Comments, FilesTheyNameExist) {
  const std::set<std::string> ends = path_ends();
  EXPECT_TRUE(none(collect(commented_files(), [&](const auto& file) { return dead_paths(file, ends); })));
}

TEST(Comments, DecisionsTheyNameExist) {
  const std::set<std::string> ends = path_ends();
  EXPECT_TRUE(none(collect(commented_files(), [&](const auto& file) { return dead_decisions(file, ends); })));
}

TEST(Comments, FunctionsTheyNameExist) {
  const Words code = words_of(read_cpp(), false);
  EXPECT_TRUE(none(collect(commented_files(), [&](const auto& file) { return dead_functions(file, code); })));
}

TEST(Comments, FunctionsThatPublicHeadersNameArePublic) {
  const std::vector<SourceFile> headers = read_tree("include", {".h"});
  const Words code = words_of(headers, false);
  EXPECT_TRUE(none(collect(headers, [&](const auto& file) { return dead_functions(file, code); })));
}

TEST(Comments, IdentifiersInBackticksAreInTheCode) {
  std::map<std::string, std::vector<SourceFile>> by_stem;
  for (const SourceFile& file : commented_files()) by_stem[stem_of(file.path)].push_back(file);
  Findings findings;
  for (const auto& [stem, files] : by_stem) {
    const Words code = words_of(files, true);
    for (const Finding& finding : collect(files, [&](const auto& file) { return dead_identifiers(file, code); })) {
      findings.push_back(finding);
    }
  }
  EXPECT_TRUE(none(findings));
}

TEST(Comments, BreachesAreFound) {
  const std::set<std::string> ends = path_ends();
  const SourceFile paths{"src/a.cpp",
                         {"// One row a type: pack_table.cpp. For kv/core/cache.h and docs/adr.",
                          "// kv/nowhere.h docs/nowhere", "f();  // https://example.org/x.md", "\"nowhere.h\""}};
  EXPECT_EQ(dead_paths(paths, ends).size(), 3U);
  EXPECT_EQ(dead_decisions({"a.cpp", {"// ADR 7, ADR 9999", "\"ADR 9998\""}}, ends).size(), 1U);

  const SourceFile code{"a.h",
                        {"/// As go() and Car::wheels do, not stop() or Car::wings; std::sort().",
                         "/// `speed` in m/s, `unused`, `distance` in m, \"`name`\".", "struct Car { int wheels; };",
                         "void go(double speed, int /*unused*/, const char* what = \"name\");"}};
  EXPECT_EQ(dead_functions(code, words_of({code}, false)).size(), 2U);
  EXPECT_EQ(dead_identifiers(code, words_of({code}, true)).size(), 1U);
}

}  // namespace
}  // namespace pith::tidy
