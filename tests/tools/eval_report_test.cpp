#include <fmt/format.h>
#include <pith/pith.h>

#include "tools/tool.h"

namespace pith::test {
namespace {

class EvalReport : public ToolTest {
 protected:
  static std::string words(int count) {
    std::string text;
    for (int i = 0; i < count; ++i) text += "the " + std::to_string(i * 7919 % 1000) + ". ";
    return text;
  }

  const std::string text_ = write_text(folder_ / "some <text>.txt", words(400));
};

TEST_F(EvalReport, HoldsEveryPartOnOnePage) {
  const std::filesystem::path out = folder_ / "report.html";
  const std::string vectors = PITH_SANITIZED != 0 ? "64" : "1024";
  const Outcome outcome =
      pith({"eval", "report",   "-m",   model_,       "--out",     out.string(), "--text",    text_,      "--context",
            "256",  "--chunks", "1",    "--haystack", text_,       "--lengths",  "300",       "--depths", "50",
            "--kv", "int4",     "--kv", "int8/int2",  "--repeats", "2",          "--vectors", vectors});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const std::string page = read_file(out);
  EXPECT_TRUE(page.starts_with("<!DOCTYPE html>"));
  EXPECT_TRUE(page.ends_with("</html>\n"));
  for (const std::string& part : std::initializer_list<std::string>{
           "Divergence from the exact cache", "Quality against size", "Bits by layer: keys", "Bits by layer: values",
           "Passkeys in a long text", "int4 less f32", "probability %", "passkeys at each: 2",
           "Distortion of random unit vectors", "int8/int2", "noise floor", "turboquant-mse4",
           "pith eval distortion --vectors " + vectors, "<th>theory</th>", "<td>0.009</td><td>0.009497</td>"}) {
    EXPECT_NE(page.find(part), std::string::npos) << part;
  }
  EXPECT_EQ(page.find("<script"), std::string::npos);
  EXPECT_EQ(page.find("nan"), std::string::npos);
  std::size_t pictures = 0;
  for (std::size_t at = page.find("<svg"); at != std::string::npos; at = page.find("<svg", at + 1)) ++pictures;
  EXPECT_GE(pictures, 5U);
}

// Whoever reads the page can print its figures again: names without their folders, as a shell reads them.
TEST_F(EvalReport, SaysItsCommands) {
  const std::filesystem::path out = folder_ / "report.html";
  const Outcome outcome =
      pith({"eval",      "report",  "-m",       model_,      "--out",        out.string(), "--text",         text_,
            "--context", "256",     "--chunks", "1",         "--haystack",   text_,        "--lengths",      "300,310",
            "--depths",  "12.5,50", "--kv",     "int8/int2", "--arithmetic", "f32",        "--no-distortion"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const std::string page = read_file(out);
  const std::string model = std::filesystem::path(model_).filename().string();
  const std::string text = "&#39;some &lt;text&gt;.txt&#39;";
  const std::string kl = fmt::format(" --text {} --context 256 --chunks 1", text);
  const std::string needle = fmt::format(" --haystack {} --lengths 300,310 --depths 12.5,50 --repeats 1", text);
  const std::string start = fmt::format(" -m {} --arithmetic f32", model);
  for (const std::string& command : {
           fmt::format("pith eval report{} --out report.html{}{} --no-distortion --kv int8/int2\n", start, kl, needle),
           fmt::format("pith eval kl{}{} --kv int8/int2\n", start, kl),
           fmt::format("pith eval needle{}{} --kv int8/int2\n", start, needle),
       }) {
    EXPECT_NE(page.find(command), std::string::npos) << command;
  }
  EXPECT_EQ(page.find("pith eval distortion"), std::string::npos);
  EXPECT_EQ(page.find(folder_.path().string()), std::string::npos);
}

TEST_F(EvalReport, ShowsWhatEvictionCosts) {
  const std::filesystem::path out = folder_ / "report.html";
  const Outcome outcome = pith({"eval",
                                "report",
                                "-m",
                                model_,
                                "--out",
                                out.string(),
                                "--text",
                                text_,
                                "--context",
                                "256",
                                "--chunks",
                                "1",
                                "--haystack",
                                text_,
                                "--lengths",
                                "300",
                                "--depths",
                                "50",
                                "--kv",
                                "f16",
                                "--no-distortion",
                                "--evict-policies",
                                "h2o,tova",
                                "--evict-ratios",
                                "0.25,0.5",
                                "--evict-kv",
                                "int8",
                                "--evict-stream",
                                "300"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const std::string page = read_file(out);
  const std::string model = std::filesystem::path(model_).filename().string();
  const std::string start =
      fmt::format("pith eval eviction -m {} --policies h2o,tova --ratios 0.25,0.5 --kv int8", model);
  for (const std::string& part :
       {std::string("<h2>Eviction</h2>"), std::string("Divergence by what is evicted"),
        std::string("Passkeys recalled, question seen"), std::string("Passkeys recalled, question not seen"),
        std::string("Perplexity of a stream"), std::string("no eviction, int8"),
        std::string("<tr><td>tova</td><td>25</td><td>not seen</td><td>300</td>"), start + " --task kl --text ",
        start + " --task needle --haystack ", start + " --task stream --text ",
        std::string(" --evict-policies h2o,tova --evict-ratios 0.25,0.5 --evict-kv int8 --evict-stream 300")}) {
    EXPECT_NE(page.find(part), std::string::npos) << part;
  }
  EXPECT_EQ(page.find("nan"), std::string::npos);
}

TEST_F(EvalReport, LeavesOutWhatWasNotMeasured) {
  const std::filesystem::path out = folder_ / "short.html";
  const Outcome outcome = pith({"eval", "report", "-m", model_, "--out", out.string(), "--text", text_, "--context",
                                "256", "--chunks", "1", "--kv", "int4", "--no-distortion"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(read_file(out).find("Passkeys"), std::string::npos);
  EXPECT_EQ(read_file(out).find("Eviction"), std::string::npos);
  EXPECT_EQ(read_file(out).find("Distortion"), std::string::npos);
}

TEST_F(EvalReport, SaysBeforeTheWorkThatItCannotWrite) {
  const Outcome outcome =
      pith({"eval", "report", "-m", model_, "--out", (folder_ / "no" / "folder.html").string(), "--kv", "int4"});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_NE(outcome.err.find("cannot write"), std::string::npos) << outcome.err;
}

}  // namespace
}  // namespace pith::test
