#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tidy/source_tree.h"

// Includes between the rooms of src/ point down only (docs/architecture.md), and no file includes itself in a circle.
namespace pith::tidy {
namespace {

// A room may include itself and every room of a lower level; rooms of one level do not include each other.
const std::map<std::string, int>& room_levels() {
  static const std::map<std::string, int> levels = {
      {"base", 1},     {"plot", 1},    {"io", 2},        {"options", 2},    {"jinja", 2},
      {"kernels", 3},  {"gguf", 3},    {"tokenizer", 3}, {"policy", 3},     {"snapshot", 3},
      {"weights", 4},  {"kv", 4},      {"machine", 4},   {"manifest", 4},   {"model", 5},
      {"quantize", 5}, {"session", 6}, {"eval", 7},      {"distributed", 7}};
  return levels;
}

// The folders of a room that has an order of its own: a folder includes itself and those before it.
const std::map<std::string, std::vector<std::string>>& folder_orders() {
  static const std::map<std::string, std::vector<std::string>> orders = {
      {"kv", {"layout", "codec", "core", "share", "store", "write", "read", "evict"}}};
  return orders;
}

std::string first_part(const std::string& path) { return path.substr(0, path.find('/')); }

// Returns "kv" for src/kv/page.cpp, and "include", "examples", "tests" and so on for files outside src.
std::string room_of(const std::string& path) {
  const std::string top = first_part(path);
  return top == "src" ? first_part(path.substr(4)) : top;
}

// Returns why a file of one room may not have this include; empty if it may.
std::string objection(const std::string& room, const Include& include) {
  const std::string target_room = first_part(include.target);
  if (include.target.find("..") != std::string::npos) return "a path with '..'";
  if (!include.quoted) return room_levels().contains(target_room) ? "an internal header is included with quotes" : "";
  if (room == "tests" || room == "bench") return "";
  if (room == "include") return "a public header includes only <pith/...> and the standard library";
  if (room == "examples") return "examples see only <pith/...>";
  if (room == "tools" || room == "eval") {
    const bool own = target_room == room || target_room == "plot" || (room == "tools" && target_room == "eval");
    // Tables are constants; checking them needs code that a shared library keeps to itself.
    const bool table = target_room == "options" && include.target != "options/check.h";
    return own || table ? "" : "the command and its measurements see only <pith/...>, options and their own headers";
  }
  if (room == "distributed") return target_room == room ? "" : "what stands behind ranks sees only <pith/...>";
  const auto& levels = room_levels();
  if (!levels.contains(room)) return "room '" + room + "' has no level in tests/tidy/layers_test.cpp";
  if (!levels.contains(target_room)) return "'" + target_room + "' is not a room of the library";
  if (room == target_room || levels.at(target_room) < levels.at(room)) return "";
  return "arrows point down only: " + room + " (level " + std::to_string(levels.at(room)) + ") may not include " +
         target_room + " (level " + std::to_string(levels.at(target_room)) + ")";
}

// Returns the folder of a room's file, from the room on: "read" for kv/read/attend.h, "" for kv/attend.h.
std::string folder_of(const std::string& path) {
  const std::string rest = path.substr(path.find('/') + 1);
  return rest.find('/') == std::string::npos ? "" : first_part(rest);
}

// Returns why a file of an ordered room may not have this include; empty if it may.
std::string folder_objection(const std::string& path, const Include& include) {
  const std::string room = room_of(path);
  const auto found = folder_orders().find(room);
  if (!path.starts_with("src/") || found == folder_orders().end() || first_part(include.target) != room) return "";
  const std::vector<std::string>& order = found->second;
  const auto at = [&](const std::string& folder) { return std::find(order.begin(), order.end(), folder); };
  const std::string own = folder_of(path.substr(4));
  const std::string target = folder_of(include.target);
  if (at(own) == order.end()) return "folder '" + own + "' of " + room + " has no place in tests/tidy/layers_test.cpp";
  if (at(target) == order.end()) return "folder '" + target + "' of " + room + " has no place either";
  return at(target) <= at(own) ? "" : room + "/" + own + " comes before " + room + "/" + target;
}

Findings layer_breaches(const std::vector<SourceFile>& files) {
  Findings findings;
  for (const SourceFile& file : files) {
    for (const Include& include : includes_of(file)) {
      std::string why = objection(room_of(file.path), include);
      if (why.empty()) why = folder_objection(file.path, include);
      if (!why.empty()) findings.push_back({file.path, include.line, "\"" + include.target + "\": " + why});
    }
  }
  return findings;
}

// Returns the project file that an include means; empty if it is not one of the project's.
std::string resolve(const std::map<std::string, const SourceFile*>& by_path, const std::string& target) {
  for (const char* folder : {"src/", "include/", "tests/", "bench/"}) {
    if (by_path.contains(folder + target)) return folder + target;
  }
  return "";
}

Findings include_circles(const std::vector<SourceFile>& files) {
  std::map<std::string, const SourceFile*> by_path;
  for (const SourceFile& file : files) by_path[file.path] = &file;
  Findings findings;
  std::set<std::string> done;
  std::vector<std::string> chain;
  const std::function<void(const std::string&)> visit = [&](const std::string& path) {
    if (done.contains(path)) return;
    chain.push_back(path);
    for (const Include& include : includes_of(*by_path.at(path))) {
      const std::string target = resolve(by_path, include.target);
      if (target.empty()) continue;
      if (std::find(chain.begin(), chain.end(), target) != chain.end()) {
        findings.push_back({path, include.line, "a circle of includes back to " + target});
      } else {
        visit(target);
      }
    }
    chain.pop_back();
    done.insert(path);
  };
  for (const SourceFile& file : files) visit(file.path);
  return findings;
}

Findings unresolved_includes(const std::vector<SourceFile>& files) {
  std::map<std::string, const SourceFile*> by_path;
  for (const SourceFile& file : files) by_path[file.path] = &file;
  Findings findings;
  for (const SourceFile& file : files) {
    for (const Include& include : includes_of(file)) {
      const bool ours = include.quoted || include.target.starts_with("pith/");
      if (ours && resolve(by_path, include.target).empty()) {
        findings.push_back({file.path, include.line, "\"" + include.target + "\" is no file of the project"});
      }
    }
  }
  return findings;
}

// What knows nothing of caches does not see their public headers either, through whatever it includes.
Findings seen_caches(const std::vector<SourceFile>& files) {
  static const std::set<std::string> below = {"base", "io", "gguf", "tokenizer"};
  std::map<std::string, const SourceFile*> by_path;
  std::vector<std::string> open;
  for (const SourceFile& file : files) {
    by_path[file.path] = &file;
    if (file.path.starts_with("src/") && below.contains(room_of(file.path))) open.push_back(file.path);
  }
  std::set<std::string> seen(open.begin(), open.end());
  Findings findings;
  while (!open.empty()) {
    const SourceFile& file = *by_path.at(open.back());
    open.pop_back();
    for (const Include& include : includes_of(file)) {
      const std::string target = resolve(by_path, include.target);
      if (target == "include/pith/codec.h" || target == "include/pith/eviction.h")
        findings.push_back({file.path, include.line, "is seen from below the cache, and shows it " + target});
      if (!target.empty() && seen.insert(target).second) open.push_back(target);
    }
  }
  return findings;
}

TEST(Layers, IncludesPointDown) { EXPECT_TRUE(none(layer_breaches(read_cpp()))); }

TEST(Layers, NoCircles) { EXPECT_TRUE(none(include_circles(read_cpp()))); }

TEST(Layers, OwnIncludesAreWrittenFromTheTop) { EXPECT_TRUE(none(unresolved_includes(read_cpp()))); }

TEST(Layers, CachesAreNotSeenFromBelow) {
  EXPECT_TRUE(none(seen_caches(read_cpp())));
  const SourceFile codec{"include/pith/codec.h", {}};
  const SourceFile between{"include/pith/options.h", {"#include <pith/codec.h>"}};
  const SourceFile log{"src/base/log.h", {"#include <pith/options.h>"}};
  EXPECT_EQ(seen_caches({codec, between, log}).size(), 1U);
}

TEST(Layers, EveryRoomHasALevel) {
  for (const SourceFile& file : read_tree("src", {".cpp", ".h"})) {
    const std::string room = room_of(file.path);
    EXPECT_TRUE(room == "tools" || room_levels().contains(room)) << file.path << ": room '" << room << "' has no level";
  }
}

// The levels that a document states: each match of `level` on a line is a level, each match of `room` after it a room.
std::map<std::string, int> stated_levels(const std::vector<std::string>& lines, const std::regex& level,
                                         const std::regex& room) {
  std::map<std::string, int> levels;
  for (const std::string& line : lines) {
    std::smatch match;
    if (!std::regex_search(line, match, level)) continue;
    const std::string rest = match.suffix();
    for (std::sregex_iterator it(rest.begin(), rest.end(), room), end; it != end; ++it) {
      levels[(*it)[1]] = std::stoi(match[1]);
    }
  }
  return levels;
}

std::vector<std::string> lines_of(const char* path) {
  return split_lines(read_text(std::filesystem::path(PITH_SOURCE_DIR) / path));
}

TEST(Layers, DocumentsStateTheSameLevels) {
  std::map<std::string, int> levels = room_levels();
  levels["tools"] = 8;
  // Rows "| 3 | `src/kv` | ..." and lines "3  weights  kv".
  const std::regex row(R"(^\| (\d) \| )");
  const std::regex folder(R"(^`src/(\w+)` \|)");
  EXPECT_EQ(stated_levels(lines_of("docs/architecture.md"), row, folder), levels);
  const std::regex line(R"(^(\d)  )");
  const std::regex name(R"((\w+))");
  EXPECT_EQ(stated_levels(lines_of("CONTRIBUTING.md"), line, name), levels);
  const std::map<std::string, int> some = {{"kv", 3}, {"weights", 3}};
  EXPECT_EQ(stated_levels({"3  weights  kv", "none"}, line, name), some);
  EXPECT_EQ(stated_levels({"| 3 | `src/kv` | x |", "| 3 | `src/weights` | `src/base` |"}, row, folder), some);
}

TEST(Layers, DocumentsStateTheSameFolders) {
  const std::vector<std::string> lines = lines_of("docs/architecture.md");
  for (const auto& [room, folders] : folder_orders()) {
    std::string row;
    for (const std::string& folder : folders) row += (row.empty() ? "" : ", ") + ("`" + folder + "`");
    EXPECT_TRUE(std::any_of(lines.begin(), lines.end(),
                            [&](const std::string& line) { return line.find(row) != std::string::npos; }))
        << room << ": " << row;
  }
}

TEST(Layers, BreachesAreFound) {
  const auto breaches = [](const char* path, const char* line) { return layer_breaches({{path, {line}}}).size(); };
  EXPECT_EQ(breaches("src/base/a.cpp", "#include \"kv/page.h\""), 1U);
  EXPECT_EQ(breaches("src/kv/a.cpp", "#include \"weights/pack.h\""), 1U);
  EXPECT_EQ(breaches("src/gguf/a.cpp", "#include \"tokenizer/vocab.h\""), 1U);
  EXPECT_EQ(breaches("src/model/a.cpp", "#  include \"session/sampler.h\""), 1U);
  EXPECT_EQ(breaches("src/tools/a.cpp", "#include \"kv/page.h\""), 1U);
  EXPECT_EQ(breaches("src/tools/a.cpp", "#include \"options/check.h\""), 1U);
  EXPECT_EQ(breaches("src/tools/a.cpp", "#include \"options/kv_options.h\""), 0U);
  EXPECT_EQ(breaches("src/base/a.cpp", "#include \"options/table.h\""), 1U);
  EXPECT_EQ(breaches("src/unheard/a.cpp", "#include \"base/half.h\""), 1U);
  EXPECT_EQ(breaches("src/kv/a.cpp", "#include \"../base/half.h\""), 1U);
  EXPECT_EQ(breaches("src/kv/a.cpp", "#include <base/half.h>"), 1U);
  EXPECT_EQ(breaches("examples/a.cpp", "#include \"base/half.h\""), 1U);
  EXPECT_EQ(breaches("include/pith/a.h", "#include \"base/half.h\""), 1U);
  EXPECT_EQ(breaches("src/kv/a.cpp", "#include \"kernels/table.h\""), 0U);
  EXPECT_EQ(breaches("src/kv/core/a.cpp", "#include \"kv/codec/page.h\""), 0U);
  EXPECT_EQ(breaches("src/kv/core/a.cpp", "#include \"kv/core/page.h\""), 0U);
  EXPECT_EQ(breaches("src/kv/core/a.cpp", "#include \"kv/read/page.h\""), 1U);
  EXPECT_EQ(breaches("src/kv/core/a.cpp", "#include \"kv/page.h\""), 1U);
  EXPECT_EQ(breaches("src/kv/unheard/a.cpp", "#include \"kv/codec/page.h\""), 1U);
  EXPECT_EQ(breaches("tests/kv/core/a_test.cpp", "#include \"kv/read/page.h\""), 0U);
  EXPECT_EQ(breaches("src/session/a.cpp", "#include <pith/session.h>"), 0U);
  EXPECT_EQ(breaches("tests/kv/a_test.cpp", "#include \"session/sampler.h\""), 0U);
}

TEST(Layers, CirclesAreFound) {
  const SourceFile a{"src/kv/a.h", {"#include \"kv/b.h\""}};
  const SourceFile b{"src/kv/b.h", {"", "#include \"kv/a.h\""}};
  const SourceFile leaf{"src/kv/b.h", {}};
  EXPECT_EQ(include_circles({a, leaf}).size(), 0U);
  const Findings circle = include_circles({a, b});
  ASSERT_EQ(circle.size(), 1U);
  EXPECT_EQ(circle[0].path, "src/kv/b.h");
  EXPECT_EQ(circle[0].line, 2U);
}

}  // namespace
}  // namespace pith::tidy
