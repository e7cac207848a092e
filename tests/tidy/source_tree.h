#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <regex>
#include <string>
#include <string_view>
#include <vector>

// The project's own files as text, for the tests that hold its structure. No thread-safety.
namespace pith::tidy {

struct SourceFile {
  /// From the top of the project, with forward slashes.
  std::string path;
  std::vector<std::string> lines;
};

/// A breach of a rule, at a line counted from 1; 0 is the file as a whole.
struct Finding {
  std::string path;
  std::size_t line = 0;
  std::string what;
};

using Findings = std::vector<Finding>;

inline std::vector<std::string> split_lines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

inline std::string read_text(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

/// Every file below a folder of the project whose name ends in one of `endings`, sorted by path.
inline std::vector<SourceFile> read_tree(std::string_view folder, const std::vector<std::string>& endings) {
  namespace fs = std::filesystem;
  const fs::path root = fs::path(PITH_SOURCE_DIR);
  std::vector<SourceFile> files;
  if (!fs::is_directory(root / folder)) return files;
  for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
    const std::string path = fs::relative(entry.path(), root).generic_string();
    const bool wanted = std::any_of(endings.begin(), endings.end(), [&](const auto& e) { return path.ends_with(e); });
    if (entry.is_regular_file() && wanted) files.push_back({path, split_lines(read_text(entry.path()))});
  }
  std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
  return files;
}

/// The C++ files of all folders that hold some.
inline std::vector<SourceFile> read_cpp() {
  std::vector<SourceFile> files;
  for (const char* folder : {"include", "src", "tests", "bench", "examples"}) {
    for (auto& file : read_tree(folder, {".h", ".cpp"})) files.push_back(std::move(file));
  }
  return files;
}

/// What stands on each line of a file. All three have as many lines as the file.
struct Parts {
  /// The code, with string and character literals emptied.
  std::vector<std::string> code;
  /// The text of comments, without their marks.
  std::vector<std::string> comments;
  /// The contents of string literals, separated by spaces, and of /* comments */, which name unused parameters.
  std::vector<std::string> literals;
};

/// Splits lines into code, comments and literals, so that a word in one does not count as a word in another.
inline Parts parts_of(const std::vector<std::string>& lines) {
  Parts parts;
  bool in_comment = false;
  std::string raw_end;
  for (const std::string& line : lines) {
    std::string code;
    std::string comment;
    std::string literals;
    for (std::size_t i = 0; i < line.size();) {
      if (in_comment || !raw_end.empty()) {
        const std::string end = in_comment ? "*/" : raw_end;
        const std::size_t at = std::min(line.find(end, i), line.size());
        if (in_comment) comment += line.substr(i, at - i) + " ";
        literals += line.substr(i, at - i) + " ";
        if (at == line.size()) break;
        i = at + end.size();
        in_comment = false;
        raw_end.clear();
      } else if (line.compare(i, 2, "//") == 0) {
        comment += line.substr(std::min(line.find_first_not_of("/<!", i), line.size()));
        break;
      } else if (line.compare(i, 2, "/*") == 0) {
        in_comment = true;
        i += 2;
      } else if (line.compare(i, 2, "R\"") == 0) {
        raw_end = ")" + line.substr(i + 2, line.find('(', i) - i - 2) + "\"";
        i = line.find('(', i) + 1;
        code += "\"\"";
      } else if (line[i] == '"' ||
                 (line[i] == '\'' && (i == 0 || std::isalnum(static_cast<unsigned char>(line[i - 1])) == 0))) {
        const char quote = line[i++];
        const std::size_t begin = i;
        while (i < line.size() && line[i] != quote) i += line[i] == '\\' ? 2U : 1U;
        literals += line.substr(begin, i - begin) + " ";
        ++i;
        code += {quote, quote};
      } else {
        code += line[i++];
      }
    }
    parts.code.push_back(code);
    parts.comments.push_back(comment);
    parts.literals.push_back(literals);
  }
  return parts;
}

/// The code alone, without comments and the contents of literals.
inline std::vector<std::string> code_of(const std::vector<std::string>& lines) { return parts_of(lines).code; }

struct Include {
  std::string target;
  bool quoted = false;
  std::size_t line = 0;
};

inline std::vector<Include> includes_of(const SourceFile& file) {
  static const std::regex pattern(R"re(^\s*#\s*include\s*(["<])([^">]+)[">])re");
  std::vector<Include> result;
  for (std::size_t i = 0; i < file.lines.size(); ++i) {
    std::smatch match;
    if (std::regex_search(file.lines[i], match, pattern)) result.push_back({match[2], match[1] == "\"", i + 1});
  }
  return result;
}

/// The findings of a rule in all files.
template <typename Rule>
Findings collect(const std::vector<SourceFile>& files, const Rule& rule) {
  Findings all;
  for (const SourceFile& file : files) {
    for (Finding& finding : rule(file)) all.push_back(std::move(finding));
  }
  return all;
}

/// For EXPECT_TRUE: every finding on a line of its own, as file:line: what.
inline ::testing::AssertionResult none(const Findings& findings) {
  if (findings.empty()) return ::testing::AssertionSuccess();
  auto result = ::testing::AssertionFailure() << findings.size() << " finding(s)";
  for (const Finding& f : findings) result << "\n" << f.path << ":" << f.line << ": " << f.what;
  return result;
}

}  // namespace pith::tidy
