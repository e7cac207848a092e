#include <map>
#include <set>

#include "tidy/source_tree.h"

// Public headers stay small and free of the libraries that pith uses inside.
namespace pith::tidy {
namespace {

constexpr std::size_t kPublicLinesMax = 250;

Findings foreign_includes(const std::vector<SourceFile>& files) {
  static const std::regex standard("^[a-z_]+(\\.h)?$");
  Findings findings;
  for (const SourceFile& file : files) {
    for (const Include& include : includes_of(file)) {
      if (include.target.starts_with("pith/") || std::regex_match(include.target, standard)) continue;
      findings.push_back(
          {file.path, include.line, "<" + include.target + "> is neither pith's nor the standard library's"});
    }
  }
  return findings;
}

Findings missing_pragma(const std::vector<SourceFile>& files) {
  Findings findings;
  for (const SourceFile& file : files) {
    if (std::find(file.lines.begin(), file.lines.end(), "#pragma once") == file.lines.end()) {
      findings.push_back({file.path, 0, "a header without '#pragma once'"});
    }
  }
  return findings;
}

TEST(PublicHeaders, IncludeOnlyTheStandardLibrary) {
  const auto headers = read_tree("include", {".h"});
  ASSERT_FALSE(headers.empty());
  EXPECT_TRUE(none(foreign_includes(headers)));
}

TEST(PublicHeaders, AreSmall) {
  for (const SourceFile& file : read_tree("include", {".h"})) {
    EXPECT_LE(file.lines.size(), kPublicLinesMax) << file.path << ":0: a public header of more than the allowed lines";
  }
}

TEST(PublicHeaders, OneHeaderHasThemAll) {
  std::map<std::string, SourceFile> by_name;
  for (SourceFile& file : read_tree("include", {".h"}))
    by_name[file.path.substr(std::string("include/").size())] = file;
  std::set<std::string> seen = {"pith/pith.h"};
  std::vector<std::string> open(seen.begin(), seen.end());
  while (!open.empty()) {
    const std::string name = open.back();
    open.pop_back();
    for (const Include& include : includes_of(by_name[name])) {
      if (by_name.contains(include.target) && seen.insert(include.target).second) open.push_back(include.target);
    }
  }
  for (const auto& [name, file] : by_name) EXPECT_TRUE(seen.contains(name)) << "include/pith/pith.h lacks " << name;
}

TEST(Headers, AreGuarded) {
  auto files = read_cpp();
  std::erase_if(files, [](const SourceFile& file) { return !file.path.ends_with(".h"); });
  EXPECT_TRUE(none(missing_pragma(files)));
}

TEST(Headers, BreachesAreFound) {
  EXPECT_EQ(foreign_includes({{"include/pith/a.h", {"#include <fmt/format.h>", "#include <vector>"}}}).size(), 1U);
  EXPECT_EQ(foreign_includes({{"include/pith/a.h", {"#include <Eigen/Core>", "#include <spdlog/logger.h>"}}}).size(),
            2U);
  EXPECT_EQ(missing_pragma({{"src/a.h", {"// #pragma once"}}}).size(), 1U);
}

}  // namespace
}  // namespace pith::tidy
