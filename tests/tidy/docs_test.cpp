#include <cctype>

#include "tidy/source_tree.h"

// The documents point at files that exist.
namespace pith::tidy {
namespace {

namespace fs = std::filesystem;

std::vector<SourceFile> documents() {
  std::vector<SourceFile> files = read_tree("docs", {".md"});
  for (const char* name : {"README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"}) {
    files.push_back({name, split_lines(read_text(fs::path(PITH_SOURCE_DIR) / name))});
  }
  return files;
}

// The document without fenced blocks and code spans, in which brackets are no links.
std::vector<std::string> prose_of(const SourceFile& file) {
  static const std::regex span("`[^`]*`");
  std::vector<std::string> lines;
  bool fenced = false;
  for (const std::string& line : file.lines) {
    const bool fence = line.starts_with("```");
    if (fence) fenced = !fenced;
    lines.push_back(fence || fenced ? "" : std::regex_replace(line, span, ""));
  }
  return lines;
}

// Relative links, [text](path) or [text](path#part), that lead nowhere.
Findings dead_links(const SourceFile& file, const fs::path& root) {
  static const std::regex link(R"re(\]\(([^)#\s]+)(#[^)\s]*)?\))re");
  Findings findings;
  const std::vector<std::string> lines = prose_of(file);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    for (std::sregex_iterator it(lines[i].begin(), lines[i].end(), link), end; it != end; ++it) {
      const std::string target = (*it)[1];
      if (target.find("://") != std::string::npos) continue;
      if (!fs::exists(root / fs::path(file.path).parent_path() / target)) {
        findings.push_back({file.path, i + 1, "a link to '" + target + "', which does not exist"});
      }
    }
  }
  return findings;
}

// The anchor that GitHub gives a heading: lower case, hyphens for spaces, no punctuation.
std::string anchor_of(const std::string& heading) {
  std::string anchor;
  for (const char c : heading.substr(heading.find_first_not_of("# "))) {
    if (c == ' ') anchor += '-';
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || c == '-' || c == '_' || byte >= 0x80)
      anchor += static_cast<char>(std::tolower(byte));
  }
  return anchor;
}

// Links to a part of a document, [text](path.md#part) or [text](#part), that has no such heading.
Findings dead_anchors(const SourceFile& file, const fs::path& root) {
  static const std::regex link(R"re(\]\(([^)#\s:]*)#([^)\s]+)\))re");
  Findings findings;
  const std::vector<std::string> lines = prose_of(file);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    for (std::sregex_iterator it(lines[i].begin(), lines[i].end(), link), end; it != end; ++it) {
      const fs::path path = root / fs::path(file.path).parent_path() / (*it)[1].str();
      const std::string anchor = (*it)[2];
      const auto is_it = [&](const std::string& line) { return line.starts_with("#") && anchor_of(line) == anchor; };
      const std::vector<std::string> target = (*it)[1].length() == 0 ? file.lines : split_lines(read_text(path));
      if (std::none_of(target.begin(), target.end(), is_it)) {
        findings.push_back(
            {file.path, i + 1, "a link to '" + (*it)[1].str() + "#" + anchor + "', which has no such heading"});
      }
    }
  }
  return findings;
}

// Files of the project named in backticks (`src/kv/page.h`), which must exist too.
Findings dead_names(const SourceFile& file, const fs::path& root) {
  static const std::regex name(R"re(`((src|include|tests|docs|scripts|examples|bench|cmake)/[\w./-]+)`)re");
  Findings findings;
  for (std::size_t i = 0; i < file.lines.size(); ++i) {
    for (std::sregex_iterator it(file.lines[i].begin(), file.lines[i].end(), name), end; it != end; ++it) {
      const std::string target = (*it)[1];
      if (!fs::exists(root / target))
        findings.push_back({file.path, i + 1, "names '" + target + "', which does not exist"});
    }
  }
  return findings;
}

TEST(Docs, LinksLeadSomewhere) {
  for (const SourceFile& file : documents()) EXPECT_FALSE(file.lines.empty()) << file.path << ":0: empty or missing";
  EXPECT_TRUE(none(collect(documents(), [](const auto& file) { return dead_links(file, PITH_SOURCE_DIR); })));
}

TEST(Docs, AnchorsAreHeadings) {
  EXPECT_TRUE(none(collect(documents(), [](const auto& file) { return dead_anchors(file, PITH_SOURCE_DIR); })));
}

TEST(Docs, FilesTheyNameExist) {
  EXPECT_TRUE(none(collect(documents(), [](const auto& file) { return dead_names(file, PITH_SOURCE_DIR); })));
}

TEST(Docs, BreachesAreFound) {
  const SourceFile file{"docs/a.md", {"[x](../README.md) [y](nowhere.md)", "`src/nowhere.cpp` `src/CMakeLists.txt`"}};
  EXPECT_EQ(dead_links(file, PITH_SOURCE_DIR).size(), 1U);
  EXPECT_EQ(dead_names(file, PITH_SOURCE_DIR).size(), 1U);
  const SourceFile parts{"docs/a.md",
                         {"# At load: what?", "[x](#at-load-what) [y](#nowhere) [z](../SECURITY.md#nowhere)"}};
  EXPECT_EQ(dead_anchors(parts, PITH_SOURCE_DIR).size(), 2U);
  const SourceFile code{"docs/a.md", {"`a[i](x)`", "```cpp", "[](double) {}", "```"}};
  EXPECT_EQ(dead_links(code, PITH_SOURCE_DIR).size(), 0U);
}

}  // namespace
}  // namespace pith::tidy
