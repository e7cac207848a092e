#include <array>
#include <cstdio>
#include <map>
#include <memory>
#include <set>

#include "tidy/source_tree.h"

// Code compiled for wide instructions must not leak. The linker keeps one copy of an inline function that several units
// define, perhaps the one that only some processors can run. So these units see no inline code but their own.
namespace pith::tidy {
namespace {

// Headers that define types, macros and intrinsics only.
const std::set<std::string>& harmless_headers() {
  static const std::set<std::string> headers = {"immintrin.h", "arm_neon.h", "stdint.h", "stddef.h",
                                                "string.h",    "float.h",    "limits.h", "cstdint",
                                                "cstddef",     "cstring",    "cfloat",   "climits"};
  return headers;
}

// Returns whether the unit is compiled with wide instructions: every folder of the kernels but the portable one is.
bool is_wide_unit(const std::string& path) {
  static const std::regex wide("^src/kernels/(?!portable/)[^/]+/.*");
  return std::regex_match(path, wide);
}

// Follows the includes of every wide unit to the end.
Findings harmful_includes(const std::vector<SourceFile>& files) {
  std::map<std::string, const SourceFile*> by_path;
  for (const SourceFile& file : files) by_path[file.path] = &file;
  std::set<std::string> seen;
  std::vector<std::pair<std::string, std::string>> open;
  for (const SourceFile& file : files) {
    if (is_wide_unit(file.path)) open.emplace_back(file.path, file.path);
  }
  Findings findings;
  while (!open.empty()) {
    const auto [path, unit] = open.back();
    open.pop_back();
    if (!seen.insert(path).second) continue;
    for (const Include& include : includes_of(*by_path.at(path))) {
      const std::string target = "src/" + include.target;
      if (include.quoted && by_path.contains(target)) {
        open.emplace_back(target, unit);
      } else if (!harmless_headers().contains(include.target)) {
        findings.push_back(
            {path, include.line, "<" + include.target + "> is compiled with wide instructions by " + unit});
      }
    }
  }
  return findings;
}

// Returns what a command prints; empty if it fails.
std::string output_of(const std::string& command) {
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), &pclose);
  std::string text;
  std::array<char, 4096> buffer{};
  while (pipe != nullptr) {
    const std::size_t n = fread(buffer.data(), 1, buffer.size(), pipe.get());
    if (n == 0) break;
    text.append(buffer.data(), n);
  }
  return text;
}

// Returns weak symbols, which the linker merges, that are not of the unit's own namespace. `listing` is the output of
// `nm -C`.
Findings leaked_symbols(const std::string& object, const std::string& listing, const std::string& own_namespace) {
  static const std::regex weak(R"re(^[0-9a-f]+ W (.*)$)re");
  Findings findings;
  for (const std::string& line : split_lines(listing)) {
    std::smatch match;
    if (!std::regex_match(line, match, weak)) continue;
    const std::string symbol = match[1];
    if (symbol.find(own_namespace) == std::string::npos && symbol != "__clang_call_terminate") {
      findings.push_back({object, 0, "a definition that other units may end up with: " + symbol});
    }
  }
  return findings;
}

TEST(WideCode, SeesOnlyHarmlessHeaders) { EXPECT_TRUE(none(harmful_includes(read_tree("src", {".h", ".cpp"})))); }

TEST(WideCode, ObjectsDefineNothingThatOthersShare) {
  namespace fs = std::filesystem;
  int objects = 0;
  for (const auto& folder :
       fs::directory_iterator(fs::path(PITH_BINARY_DIR) / "src/CMakeFiles/pith_objects.dir/kernels")) {
    const std::string isa = folder.path().filename().string();
    if (!folder.is_directory() || isa == "portable") continue;
    for (const auto& entry : fs::directory_iterator(folder)) {
      if (entry.path().extension() != ".o") continue;
      const std::string listing = output_of(PITH_NM " -C --defined-only '" + entry.path().string() + "'");
      ASSERT_FALSE(listing.empty()) << "nm printed nothing for " << entry.path();
      EXPECT_TRUE(none(leaked_symbols(entry.path().string(), listing, "pith::kernels::" + isa + "::")));
      ++objects;
    }
  }
  if (objects == 0) GTEST_SKIP() << "no kernels for wide instructions in this build";
}

TEST(WideCode, BreachesAreFound) {
  const SourceFile unit{"src/kernels/avx2/gemm.cpp", {"#include <immintrin.h>", "#include \"kernels/generic/gemm.h\""}};
  const SourceFile generic{"src/kernels/generic/gemm.h", {"#include <cstdint>", "#include <vector>"}};
  const Findings findings = harmful_includes({unit, generic});
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].path, "src/kernels/generic/gemm.h");
  EXPECT_EQ(findings[0].line, 2U);
  EXPECT_EQ(harmful_includes({{"src/kernels/neon/simd.h", {"#include <arm_neon.h>", "#include <bit>"}}}).size(), 1U);
  EXPECT_EQ(harmful_includes({{"src/kernels/portable/simd.h", {"#include <bit>"}}}).size(), 0U);

  const std::string listing =
      "0000000000000000 W std::vector<int>::size() const\n"
      "0000000000000010 W pith::kernels::avx2::dot(float const*)\n"
      "0000000000000020 T pith::kernels::avx2::table()\n";
  EXPECT_EQ(leaked_symbols("gemm.o", listing, "pith::kernels::avx2::").size(), 1U);
}

}  // namespace
}  // namespace pith::tidy
