#include <cmath>
#include <sstream>

#include "tools/tool.h"

namespace pith::test {
namespace {

TEST(EvalDistortion, Json) {
  const json result = pith_json({"eval", "distortion", "--codecs", "int4,turboquant-mse2,f16", "--sizes", "64,80",
                                 "--vectors", "200", "--seed", "3", "--draws", "2"});
  EXPECT_EQ(result["seed"], 3);
  ASSERT_EQ(result["results"].size(), 12U);
  ASSERT_EQ(result["paper"].size(), 4U);
  EXPECT_EQ(result["paper"][2]["mse"], 0.03);
  EXPECT_EQ(result["paper"][2]["inner_product"], 0.18);
  EXPECT_EQ(result["paper"][2]["mse_bound"], 1.0 / 64);
  const json& row = result["results"][3];
  EXPECT_EQ(row["codec"], "turboquant-mse2");
  EXPECT_EQ(row["side"], "values");
  EXPECT_EQ(row["size"], 64);
  EXPECT_EQ(row["vectors"], 256);
  EXPECT_EQ(row["draws"], 2);
  EXPECT_GT(row["inner_product_standard_error"], 0.0);
  EXPECT_EQ(row["theory_mse"], 0.1175);
  EXPECT_EQ(row["theory_inner_product"], 0.5708);
  EXPECT_EQ(row["bits"], 2.25);
  EXPECT_NEAR(row["mse"].get<double>(), 0.117, 0.01);
  EXPECT_NEAR(row["mse_bound"].get<double>(), std::pow(4.0, -2.25), 1e-12);
  EXPECT_NEAR(row["inner_product"].get<double>(), 0.117, 0.02);
  EXPECT_NEAR(row["bias"].get<double>(), -0.117, 0.03);
  EXPECT_EQ(row["paper_mse"], 0.117);
  EXPECT_EQ(row["paper_inner_product"], 0.56);
  EXPECT_EQ(result["results"][11]["codec"], "f16");
  EXPECT_EQ(result["results"][11]["size"], 80);
  EXPECT_TRUE(result["results"][11]["paper_mse"].is_null());
}

TEST(EvalDistortion, TextIsATable) {
  const Outcome outcome = pith({"eval", "distortion", "--sizes", "32,256", "--vectors", "1"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "size 32: measured\nsize 256: measured\n");
  std::istringstream lines(outcome.out);
  std::vector<std::string> rows;
  for (std::string line; std::getline(lines, line);) rows.push_back(line);
  ASSERT_GT(rows.size(), 40U);
  for (std::size_t i = 0; i + 2 < rows.size(); ++i) EXPECT_EQ(rows[i].size(), rows[0].size()) << outcome.out;
  EXPECT_NE(rows.back().find("means over 1 draws"), std::string::npos) << outcome.out;
  for (const char* name : {"int8", "int4", "turboquant-mse5", "turboquant-prod4", "polarquant", "kivi2"}) {
    EXPECT_NE(outcome.out.find(name), std::string::npos) << name;
  }
  EXPECT_EQ(outcome.out.find("f16"), std::string::npos);
}

TEST(EvalDistortion, Failures) {
  const std::vector<std::pair<Args, std::string>> lines = {
      {{"--codecs", "int99"}, "int99"},
      {{"--codecs", "int4", "--sizes", "60"}, "60"},
  };
  for (const auto& [more, word] : lines) {
    Args args = {"eval", "distortion"};
    args.insert(args.end(), more.begin(), more.end());
    const Outcome outcome = pith(args);
    EXPECT_EQ(outcome.status, 1) << outcome.err;
    EXPECT_NE(outcome.err.find(word), std::string::npos) << outcome.err;
    EXPECT_EQ(outcome.out, "");
  }
}

TEST(EvalDistortion, WrongUsage) {
  const Args lines[] = {{"--sizes", "0"},      {"--sizes", "5000"}, {"--vectors", "0"},
                        {"--vectors", "many"}, {"--seed", "x"},     {"--format", "xml"},
                        {"--draws", "0"},      {"--codecs"},        {"-m", "model.gguf"}};
  for (const Args& line : lines) {
    Args args = {"eval", "distortion"};
    args.insert(args.end(), line.begin(), line.end());
    const Outcome outcome = pith(args);
    EXPECT_EQ(outcome.status, 2) << testing::PrintToString(line);
    EXPECT_EQ(outcome.out, "");
  }
}

}  // namespace
}  // namespace pith::test
