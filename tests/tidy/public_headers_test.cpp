#include <pith/version.h>

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

// What another language's compiler must not come past (include/pith/export.h) comes before all else.
Findings late_export(const std::vector<SourceFile>& files) {
  Findings findings;
  for (const SourceFile& file : files) {
    const auto includes = includes_of(file);
    if (file.path == "include/pith/export.h") continue;
    // A header that sorts before export.h includes it first itself, and every compiler reads MPI's.
    const bool mpi = includes.size() > 1 && includes.front().target == "mpi.h";
    if (includes.empty() || !includes[mpi ? 1 : 0].target.starts_with("pith/")) {
      findings.push_back({file.path, 0, "includes something before <pith/export.h>"});
    }
  }
  return findings;
}

// The API lives in an inline namespace named for its version (docs/adr/0011-inline-namespace.md); rooms of internals,
// declared ahead, do not. Nor do internals of no room, which are declared ahead line by line.
bool declares_ahead(const SourceFile& file, std::size_t line) {
  static const std::regex declaration("^(class|struct) [A-Za-z]+;$");
  if (file.lines[line] != "namespace pith {") return false;
  std::size_t next = line + 1;
  while (next < file.lines.size() && std::regex_match(file.lines[next], declaration)) ++next;
  return next > line + 1 && next < file.lines.size() && file.lines[next] == "}  // namespace pith";
}

Findings unversioned(const std::vector<SourceFile>& files, const std::string& api) {
  static const std::regex room("^namespace (pith::)?[a-z]+ \\{$");
  Findings findings;
  for (const SourceFile& file : files) {
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      const std::string& line = file.lines[i];
      if (!line.starts_with("namespace ") || line == "namespace " + api + " {" || declares_ahead(file, i)) continue;
      // A room, or a namespace inside the API's own.
      if (line != "namespace pith {" && std::regex_match(line, room)) continue;
      findings.push_back({file.path, i + 1, "a namespace other than " + api});
    }
  }
  return findings;
}

TEST(PublicHeaders, BeginWithExport) { EXPECT_TRUE(none(late_export(read_tree("include", {".h"})))); }

TEST(PublicHeaders, AreInTheVersionsNamespace) {
  const std::string api =
      "pith::inline v" + std::to_string(PITH_VERSION_MAJOR) + "_" + std::to_string(PITH_VERSION_MINOR);
  EXPECT_TRUE(none(unversioned(read_tree("include", {".h"}), api)));
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
  // It takes MPI, which who does without it need not have.
  seen.insert("pith/cluster.h");
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
  EXPECT_EQ(late_export({{"include/pith/a.h", {"#include <span>", "#include <pith/export.h>"}}}).size(), 1U);
  EXPECT_EQ(
      unversioned({{"include/pith/a.h", {"namespace pith {", "namespace pith::kv {"}}}, "pith::inline v1_2").size(),
      1U);
  EXPECT_EQ(missing_pragma({{"src/a.h", {"// #pragma once"}}}).size(), 1U);
}

}  // namespace
}  // namespace pith::tidy
