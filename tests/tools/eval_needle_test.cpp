#include <pith/pith.h>

#include <cmath>
#include <sstream>

#include "eval/haystack.h"
#include "plot/xml.h"
#include "tools/tool.h"

namespace pith::test {
namespace {

std::string long_text() {
  std::string text;
  for (int i = 0; i < 200; ++i) text += " It was said that <|im_end|> is " + std::to_string(i * 7919 % 1000) + ".";
  return text;
}

class Needle : public ToolTest {
 protected:
  Args command(const Args& more) const {
    Args args = {"eval", "needle", "-m", model_, "--haystack", text_};
    args.insert(args.end(), more.begin(), more.end());
    return args;
  }

  /// By the definition: a session of its own, logits of all positions, softmax in double.
  double log_probability(const std::string& passkey, std::size_t length, double depth, const KvOptions& kv) const {
    const Model model = Model::load(model_);
    const eval::Haystack haystack(model.tokenizer(), long_text());
    const eval::NeedlePrompt prompt = haystack.prompt(passkey, length, depth);
    std::vector<Token> tokens = prompt.tokens;
    tokens.insert(tokens.end(), prompt.answer.begin(), prompt.answer.end());
    Session session(model, {.kv = kv});
    double sum = 0;
    session.feed_logits(tokens, [&](int position, std::span<const float> logits) {
      const std::size_t next = static_cast<std::size_t>(position) + 1;
      if (next < prompt.tokens.size() || next >= tokens.size()) return;
      double total = 0;
      for (const float logit : logits) total += std::exp(static_cast<double>(logit));
      sum += static_cast<double>(logits[static_cast<std::size_t>(tokens[next])]) - std::log(total);
    });
    return sum / static_cast<double>(prompt.answer.size());
  }

  const std::string text_ = write_text(folder_ / "text.txt", long_text());
};

TEST_F(Needle, IsAsDefined) {
  const json result = pith_json(command({"--lengths", "150,300", "--depths", "0,50,100", "--kv", "int4", "--kv",
                                         "int8/f16", "--seed", "5", "--repeats", "2"}));
  EXPECT_EQ(result["lengths"], (json{150, 300}));
  EXPECT_EQ(result["depths"], (json{0, 50, 100}));
  ASSERT_EQ(result["passkeys"].size(), 2U);
  EXPECT_EQ(result["baseline"]["kv"], "f32");
  ASSERT_EQ(result["codecs"].size(), 2U);
  EXPECT_EQ(result["codecs"][1]["kv"], "int8/f16");
  const std::vector<std::pair<const json*, KvOptions>> caches = {
      {&result["baseline"], {"f32"}}, {&result["codecs"][0], {"int4"}}, {&result["codecs"][1], {"int8", "f16"}}};
  for (const auto& [cache, kv] : caches) {
    ASSERT_EQ((*cache)["cells"].size(), 6U);
    for (const json& cell : (*cache)["cells"]) {
      double sum = 0;
      for (std::size_t i = 0; i < 2; ++i) {
        const double expected = log_probability(result["passkeys"][i], cell["length"], cell["depth"], kv);
        EXPECT_NEAR(cell["log_probabilities"][i].get<double>(), expected, 1e-4) << cell;
        sum += expected;
      }
      EXPECT_NEAR(cell["log_probability"].get<double>(), sum / 2, 1e-4);
    }
  }
}

TEST_F(Needle, DifferencesAreToTheBaseline) {
  const json result =
      pith_json(command({"--lengths", "400", "--depths", "20,80", "--baseline", "f16", "--kv", "f16", "--kv", "int4"}));
  EXPECT_EQ(result["baseline"]["kv"], "f16");
  for (const json& cell : result["codecs"][0]["cells"]) {
    EXPECT_EQ(cell["difference"], 0.0);
    EXPECT_EQ(cell["relative_difference"], 0.0);
  }
  double worst = 0;
  for (std::size_t i = 0; i < 2; ++i) {
    const json& cell = result["codecs"][1]["cells"][i];
    const double baseline = result["baseline"]["cells"][i]["log_probability"];
    const double difference = cell["log_probability"].get<double>() - baseline;
    EXPECT_NE(difference, 0.0);
    EXPECT_NEAR(cell["difference"], difference, 1e-12);
    EXPECT_NEAR(cell["probability_change"], std::exp(difference) - 1, 1e-12);
    EXPECT_NEAR(cell["passkey_difference"], std::abs(difference), 1e-12);
    EXPECT_NEAR(cell["relative_difference"], std::abs(difference / baseline), 1e-12);
    worst = std::max(worst, cell["relative_difference"].get<double>());
  }
  const json& summary = result["codecs"][1]["summary"];
  ASSERT_EQ(summary.size(), 1U);
  EXPECT_EQ(summary[0]["relative_difference_worst"], worst);
  EXPECT_LT(summary[0]["bits"], result["baseline"]["summary"][0]["bits"]);
}

TEST_F(Needle, TextResultProgressAndPlot) {
  const std::filesystem::path plot = folder_ / "map.svg";
  const Outcome outcome =
      pith(command({"--lengths", "150,300", "--depths", "0,50", "--kv", "int4", "--plot", plot.string()}));
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 8) << outcome.err;
  EXPECT_NE(outcome.err.find("8 of 8: length 300, depth 50 %, int4"), std::string::npos) << outcome.err;
  // Two headings, eight cells, four summaries, a blank line between. Columns are aligned: lines of a table are alike.
  std::istringstream lines(outcome.out);
  std::vector<std::size_t> widths;
  for (std::string line; std::getline(lines, line);) widths.push_back(line.size());
  ASSERT_EQ(widths.size(), 15U) << outcome.out;
  for (std::size_t i = 0; i < 9; ++i) EXPECT_EQ(widths[i], widths[0]) << outcome.out;
  for (std::size_t i = 10; i < 15; ++i) EXPECT_EQ(widths[i], widths[10]) << outcome.out;

  for (const char* column : {"relative %", "probability %", "by passkey", "+/-"}) {
    EXPECT_NE(outcome.out.find(column), std::string::npos) << column;
  }
  const Xml xml(read_file(plot));
  EXPECT_TRUE(xml.has_text("int4: log-probability"));
  EXPECT_TRUE(xml.has_text("int4 less f32"));
}

TEST_F(Needle, HaystackMayBeAFolder) {
  const std::filesystem::path folder = folder_ / "texts";
  std::filesystem::create_directory(folder);
  write_text(folder / "b.txt", long_text());
  write_text(folder / "a.txt", "The beginning.");
  const json from_folder =
      pith_json({"eval", "needle", "-m", model_, "--haystack", folder.string(), "--lengths", "200", "--depths", "50"});
  const std::string whole = write_text(folder_ / "whole.txt", "The beginning.\n" + long_text());
  const json from_file =
      pith_json({"eval", "needle", "-m", model_, "--haystack", whole, "--lengths", "200", "--depths", "50"});
  EXPECT_EQ(from_folder["baseline"]["cells"], from_file["baseline"]["cells"]);
}

TEST_F(Needle, Failures) {
  const std::vector<std::pair<Args, std::string>> lines = {
      {{"--lengths", "100000", "--depths", "50"}, "100000"},
      {{"--lengths", "10"}, "length 10"},
      {{"--lengths", "200", "--kv", "int99"}, "int99"},
      {{"--lengths", "200", "--plot", (folder_ / "nowhere").string() + "/map.svg"}, "nowhere"},
  };
  for (const auto& [args, word] : lines) {
    const Outcome outcome = pith(command(args));
    EXPECT_EQ(outcome.status, 1) << outcome.err;
    EXPECT_NE(outcome.err.find(word), std::string::npos) << outcome.err;
    EXPECT_EQ(outcome.out, "");
  }
}

TEST_F(Needle, WrongUsage) {
  const Args lines[] = {
      {"--lengths", "0"},       {"--lengths", "many"},
      {"--depths", "-1"},       {"--depths", "101"},
      {"--repeats", "0"},       {"--seed", "x"},
      {"--needle", "no place"}, {"--format", "xml"},
      {"--unheard-of", "1"},    {"--kv"},
      {"--arithmetic", "slow"},
  };
  for (const Args& line : lines) {
    const Outcome outcome = pith(command(line));
    EXPECT_EQ(outcome.status, 2) << testing::PrintToString(line);
    EXPECT_EQ(outcome.out, "");
  }
  EXPECT_EQ(pith({"eval", "needle", "-m", model_}).status, 2);
  EXPECT_EQ(pith({"eval", "needle", "--haystack", text_}).status, 2);
}

}  // namespace
}  // namespace pith::test
