#include <set>

#include "tidy/source_tree.h"

// One idea a file, short functions, lines that fit a screen.
namespace pith::tidy {
namespace {

constexpr std::size_t kFileLinesMax = 400;
constexpr std::size_t kFunctionLinesMax = 60;
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

enum class Block { kScope, kFunction, kOther };

// The code without "template <...>" at its beginning.
std::string without_template(const std::string& head) {
  if (!head.starts_with("template")) return head;
  int open = 0;
  for (std::size_t i = 0; i < head.size(); ++i) {
    open += head[i] == '<' ? 1 : head[i] == '>' ? -1 : 0;
    if (head[i] == '>' && open == 0) return head.substr(std::min(head.find_first_not_of(' ', i + 1), head.size()));
  }
  return head;
}

// What a brace opens in a namespace or a class, by the code before it.
Block block_of(std::string head) {
  static const std::regex scope("^(\\w+ )*(namespace|class|struct|union|enum|extern)\\b");
  head.erase(std::find_if_not(head.rbegin(), head.rend(), [](char c) { return c == ' '; }).base(), head.end());
  if (std::regex_search(without_template(head), scope)) return Block::kScope;
  const auto parentheses = std::count(head.begin(), head.end(), '(');
  const bool is_whole = parentheses != 0 && parentheses == std::count(head.begin(), head.end(), ')');
  return is_whole && !head.ends_with('=') ? Block::kFunction : Block::kOther;
}

// Functions in namespaces and classes, from the line on which they begin.
class FunctionFinder {
 public:
  explicit FunctionFinder(const SourceFile& file) : path_(file.path) {
    bool directive = false;
    const std::vector<std::string> code = code_of(file.lines);
    for (std::size_t i = 0; i < code.size(); ++i) {
      directive = directive || code[i].starts_with('#');
      if (!directive) read(code[i], i + 1);
      directive = directive && code[i].ends_with('\\');
    }
  }

  const Findings& findings() const { return findings_; }

 private:
  void read(const std::string& line, std::size_t number) {
    for (const char c : line + ' ') {
      if (c == '{') {
        open();
      } else if (c == '}' && !blocks_.empty()) {
        close(number);
      }
      const bool is_label = c == ':' && (head_ == "public" || head_ == "protected" || head_ == "private");
      if (c == '{' || c == '}' || c == ';' || is_label) {
        head_.clear();
      } else if (c != ' ' || !head_.empty()) {
        if (head_.empty()) begin_ = number;
        head_ += c;
      }
    }
  }

  void open() {
    if (!blocks_.empty() && blocks_.back().kind != Block::kScope) {
      blocks_.push_back({});
    } else if (closed_.kind == Block::kFunction && (head_.empty() || head_.starts_with(','))) {
      // The list of members of a constructor, `: a_{1}, b_{2} {`, goes on after a brace.
      blocks_.push_back(closed_);
    } else {
      blocks_.push_back({block_of(head_), begin_});
    }
  }

  void close(std::size_t number) {
    closed_ = blocks_.back();
    blocks_.pop_back();
    const std::size_t lines = number + 1 - closed_.begin;
    if (closed_.kind != Block::kFunction || lines <= kFunctionLinesMax) return;
    findings_.push_back({path_, closed_.begin, "a function of " + std::to_string(lines) + " lines"});
  }

  struct Open {
    Block kind = Block::kOther;
    std::size_t begin = 0;
  };

  std::string path_;
  std::string head_;
  std::size_t begin_ = 0;
  std::vector<Open> blocks_;
  Open closed_;
  Findings findings_;
};

Findings long_functions(const SourceFile& file) { return FunctionFinder(file).findings(); }

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
}

// A file with a function of so many lines between what is before and after it.
SourceFile with_function(std::vector<std::string> before, std::size_t lines, const std::string& behind) {
  before.insert(before.end(), lines, "  if (g()) { h({1, 2}); }");
  before.push_back(behind);
  return {"a.cpp", before};
}

TEST(Size, LongFunctionsAreFound) {
  const std::vector<std::vector<std::string>> beginnings = {
      {"void f() {"},
      {"namespace a::b {", "namespace {", "int x[] = {1, 2};", "void f() {"},
      {"class A final : public B<int()> {", " public:", "  int x = g(1);", "  void f() const noexcept override {"},
      {"class A {", " private:", "  struct B {", "    enum class C { kD };", "    explicit B(int x) : a_{x}, b_(x) {"},
      {"A::A(int x)", "    : a_(x), b_{x} {"},
      {"template <typename T>", "  requires(sizeof(T) > 1)", "auto f(T x) -> decltype(x) {"},
      {"#define M(x) \\", "  { \\", "    x", "TEST(A, B) {"},
  };
  for (const std::vector<std::string>& begin : beginnings) {
    const auto signature = static_cast<std::size_t>(begin.back().starts_with("    :") ? 2 : 1);
    const std::size_t template_lines = begin.front().starts_with("template") ? 2 : 0;
    const std::size_t most = kFunctionLinesMax - signature - template_lines - 1;
    EXPECT_EQ(long_functions(with_function(begin, most, "}")).size(), 0U) << begin.back();
    const Findings findings = long_functions(with_function(begin, most + 1, "}"));
    ASSERT_EQ(findings.size(), 1U) << begin.back();
    EXPECT_EQ(findings[0].line, begin.size() + 1 - signature - template_lines);
  }
}

TEST(Size, TablesAndClassesAreNoFunctions) {
  for (const char* begin : {"class A {", "constexpr std::array<Row, 2> kTable = {{", "const auto kAll = make({",
                            "namespace a {", "extern \"C\" {", "struct A : B<int(int)> {"}) {
    EXPECT_TRUE(none(long_functions(with_function({begin}, kFunctionLinesMax, "};")))) << begin;
  }
}

}  // namespace
}  // namespace pith::tidy
