#include <pith/pith.h>

#include <fstream>
#include <sstream>

#include "tools/tool.h"

namespace pith::test {
namespace {

class EvalReport : public ToolTest {
 protected:
  std::string html(const std::filesystem::path& path) const {
    std::ifstream file(path, std::ios::binary);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }

  static std::string words(int count) {
    std::string text;
    for (int i = 0; i < count; ++i) text += "the " + std::to_string(i * 7919 % 1000) + ". ";
    return text;
  }

  const std::string text_ = write_text(folder_ / "some <text>.txt", words(400));
};

TEST_F(EvalReport, HoldsEveryPartOnOnePage) {
  const std::filesystem::path out = folder_ / "report.html";
  const Outcome outcome =
      pith({"eval",      "report", "-m",       model_, "--out",      out.string(), "--text",    text_,
            "--context", "256",    "--chunks", "1",    "--haystack", text_,        "--lengths", "300",
            "--depths",  "50",     "--kv",     "int4", "--kv",       "int8/int2"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const std::string page = html(out);
  EXPECT_TRUE(page.starts_with("<!DOCTYPE html>"));
  EXPECT_TRUE(page.ends_with("</html>\n"));
  for (const char* part :
       {"Divergence from the exact cache", "Quality against size", "Bits by layer", "Passkeys in a long text",
        "Distortion of random unit vectors", "int8/int2", "noise floor", "turboquant-mse4"}) {
    EXPECT_NE(page.find(part), std::string::npos) << part;
  }
  EXPECT_EQ(page.find("<script"), std::string::npos);
  EXPECT_EQ(page.find("nan"), std::string::npos);
  std::size_t pictures = 0;
  for (std::size_t at = page.find("<svg"); at != std::string::npos; at = page.find("<svg", at + 1)) ++pictures;
  EXPECT_GE(pictures, 4U);
}

TEST_F(EvalReport, LeavesOutWhatWasNotMeasured) {
  const std::filesystem::path out = folder_ / "short.html";
  const Outcome outcome = pith({"eval", "report", "-m", model_, "--out", out.string(), "--text", text_, "--context",
                                "256", "--chunks", "1", "--kv", "int4", "--no-distortion"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(html(out).find("Passkeys"), std::string::npos);
  EXPECT_EQ(html(out).find("Distortion"), std::string::npos);
}

TEST_F(EvalReport, SaysBeforeTheWorkThatItCannotWrite) {
  const Outcome outcome =
      pith({"eval", "report", "-m", model_, "--out", (folder_ / "no" / "folder.html").string(), "--kv", "int4"});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_NE(outcome.err.find("cannot write"), std::string::npos) << outcome.err;
}

}  // namespace
}  // namespace pith::test
