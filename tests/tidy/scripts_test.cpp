#include "tidy/source_tree.h"

// Shell scripts stop at the first failure, are executable, and print their usage.
namespace pith::tidy {
namespace {

namespace fs = std::filesystem;

std::vector<SourceFile> shell_scripts() {
  std::vector<SourceFile> files = read_tree("scripts", {".sh"});
  for (auto& file : read_tree(".ci", {"run", ".sh"})) files.push_back(std::move(file));
  return files;
}

Findings careless(const SourceFile& file) {
  Findings findings;
  if (file.lines.empty() || file.lines[0] != "#!/usr/bin/env bash")
    findings.push_back({file.path, 1, "no bash shebang"});
  const auto strict = std::find(file.lines.begin(), file.lines.end(), "set -euo pipefail");
  if (strict == file.lines.end()) findings.push_back({file.path, 0, "no 'set -euo pipefail'"});
  // Only comments may precede it.
  for (auto line = file.lines.begin(); line != strict; ++line) {
    if (!line->empty() && !line->starts_with('#')) {
      findings.push_back(
          {file.path, static_cast<std::size_t>(line - file.lines.begin()) + 1, "runs before 'set -euo pipefail'"});
    }
  }
  return findings;
}

// Finds paths that exist on one machine only.
Findings machine_paths(const SourceFile& file) {
  static const std::regex pattern(std::string("(^|[^\\w.])/(wo") + "rk|ho" + "me|ro" + "ot)/");
  Findings findings;
  for (std::size_t i = 0; i < file.lines.size(); ++i) {
    if (std::regex_search(file.lines[i], pattern))
      findings.push_back({file.path, i + 1, "a path of one machine: " + file.lines[i]});
  }
  return findings;
}

TEST(Scripts, AreStrict) {
  const auto scripts = shell_scripts();
  ASSERT_GE(scripts.size(), 5U);
  EXPECT_TRUE(none(collect(scripts, careless)));
}

bool is_sourced(const SourceFile& file) { return file.path == "scripts/common.sh" || file.path == "scripts/debian.sh"; }

TEST(Scripts, CanBeRun) {
  for (const SourceFile& file : shell_scripts()) {
    if (is_sourced(file)) continue;
    const auto permissions = fs::status(fs::path(PITH_SOURCE_DIR) / file.path).permissions();
    EXPECT_NE(permissions & fs::perms::owner_exec, fs::perms::none) << file.path << ":0: not executable";
  }
}

TEST(Scripts, SayHowToUseThem) {
  for (const SourceFile& file : read_tree("scripts", {".sh"})) {
    if (is_sourced(file)) continue;
    const bool has =
        std::any_of(file.lines.begin(), file.lines.end(), [](const auto& l) { return l.starts_with("# usage: "); });
    EXPECT_TRUE(has) << file.path << ":0: no '# usage:' in its head";
  }
}

TEST(Project, NamesNoMachine) {
  auto files = read_cpp();
  for (auto& file : shell_scripts()) files.push_back(std::move(file));
  for (auto& file : read_tree("docs", {".md"})) files.push_back(std::move(file));
  EXPECT_TRUE(none(collect(files, machine_paths)));
}

TEST(Scripts, BreachesAreFound) {
  EXPECT_EQ(careless({"a.sh", {"#!/usr/bin/env bash", "# x", "set -euo pipefail", "ls"}}).size(), 0U);
  EXPECT_EQ(careless({"a.sh", {"#!/usr/bin/env bash", "ls", "set -euo pipefail"}}).size(), 1U);
  EXPECT_EQ(careless({"a.sh", {"#!/bin/sh", "ls"}}).size(), 3U);
  EXPECT_EQ(machine_paths({"a.sh", {std::string("cd /wo") + "rk/x", "cd build/work/x"}}).size(), 1U);
}

}  // namespace
}  // namespace pith::tidy
