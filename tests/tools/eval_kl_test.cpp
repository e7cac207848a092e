#include <pith/pith.h>

#include <cmath>

#include "plot/xml.h"
#include "tools/tool.h"

namespace pith::test {
namespace {

/// Enough for some chunks, with a special token that must be read as plain text.
std::string some_text(int seed) {
  std::string text = "It was said that <|im_end|> is ";
  for (int i = 0; i < 300; ++i) text += "the " + std::to_string(i * seed % 1000) + " and other words, ";
  return text;
}

using Rows = std::vector<std::vector<double>>;

/// Log-softmax, in double, after each scored token: each chunk in a session of its own, logits of all positions.
Rows scored_rows(const Model& model, std::span<const Token> chunk, const KvOptions& kv) {
  Session session(model, {.kv = kv});
  Rows rows;
  session.feed_logits(chunk, [&](int position, std::span<const float> logits) {
    const auto at = static_cast<std::size_t>(position);
    if (at < chunk.size() / 2 || at + 1 >= chunk.size()) return;
    double total = 0;
    for (const float logit : logits) total += std::exp(static_cast<double>(logit));
    std::vector<double> row(logits.begin(), logits.end());
    for (double& value : row) value -= std::log(total);
    rows.push_back(std::move(row));
  });
  return rows;
}

std::size_t top_of(const std::vector<double>& row) {
  return static_cast<std::size_t>(std::max_element(row.begin(), row.end()) - row.begin());
}

struct Expected {
  std::vector<double> kl;
  double nll = 0;
  double baseline_nll = 0;
  std::size_t agree = 0;
};

struct Protocol {
  std::string text;
  std::size_t context = 0;
  std::size_t chunks = 0;
  KvOptions baseline{"f32"};
  Token bos = -1;
};

/// By the definition.
Expected expected_of(const Model& model, const Protocol& protocol, const KvOptions& kv) {
  std::vector<Token> tokens = model.tokenizer().encode(protocol.text, {.add_special = true, .parse_special = false});
  Expected expected;
  for (std::size_t i = 0; i < protocol.chunks; ++i) {
    const std::span<Token> chunk = std::span(tokens).subspan(i * protocol.context, protocol.context);
    if (protocol.bos >= 0) chunk.front() = protocol.bos;
    const Rows p = scored_rows(model, chunk, protocol.baseline);
    const Rows q = scored_rows(model, chunk, kv);
    for (std::size_t row = 0; row < p.size(); ++row) {
      double sum = 0;
      for (std::size_t j = 0; j < p[row].size(); ++j) sum += std::exp(p[row][j]) * (p[row][j] - q[row][j]);
      expected.kl.push_back(sum);
      const auto next = static_cast<std::size_t>(chunk[protocol.context / 2 + row + 1]);
      expected.nll -= q[row][next];
      expected.baseline_nll -= p[row][next];
      if (top_of(p[row]) == top_of(q[row])) ++expected.agree;
    }
  }
  return expected;
}

void expect_figures(const json& figures, const Expected& expected) {
  const auto count = static_cast<double>(expected.kl.size());
  double mean = 0;
  for (const double kl : expected.kl) mean += kl / count;
  EXPECT_EQ(figures["tokens_scored"], expected.kl.size());
  EXPECT_NEAR(figures["mean_kl"], mean, 1e-9 * mean + 1e-13);
  EXPECT_NEAR(figures["max"], *std::max_element(expected.kl.begin(), expected.kl.end()), 1e-9);
  EXPECT_DOUBLE_EQ(figures["top_agreement"], static_cast<double>(expected.agree) / count);
  EXPECT_NEAR(figures["perplexity"].get<double>() / std::exp(expected.nll / count), 1, 1e-9);
  EXPECT_NEAR(figures["baseline_perplexity"].get<double>() / std::exp(expected.baseline_nll / count), 1, 1e-9);
  EXPECT_NEAR(figures["perplexity_ratio"].get<double>(),
              figures["perplexity"].get<double>() / figures["baseline_perplexity"].get<double>(), 1e-12);
}

void expect_ordered(const json& figures) {
  double before = 0;
  for (const char* name : {"median", "percentile_90", "percentile_99", "percentile_99_9", "max"}) {
    EXPECT_GE(figures[name].get<double>(), before) << name;
    before = figures[name];
  }
  EXPECT_GT(figures["standard_error"].get<double>(), 0);
}

class Kl : public ToolTest {
 protected:
  Args command(const Args& more) const {
    Args args = {"eval", "kl", "-m", model_, "--text", text_};
    args.insert(args.end(), more.begin(), more.end());
    return args;
  }

  const std::string text_ = write_text(folder_ / "text.txt", some_text(7919));
};

TEST_F(Kl, IsAsDefined) {
  const Model model = Model::load(model_);
  for (const auto& [context, chunks] : {std::pair{"301", 2}, std::pair{"64", 3}, std::pair{"4", 5}}) {
    const json result = pith_json(
        command({"--context", context, "--chunks", std::to_string(chunks), "--kv", "int8/f16", "--kv", "int4"}));
    const Protocol protocol{some_text(7919), std::stoul(context), static_cast<std::size_t>(chunks)};
    EXPECT_EQ(result["context"], std::stoi(context));
    EXPECT_EQ(result["chunks"], chunks);
    EXPECT_EQ(result["arithmetic"], "fast");
    EXPECT_EQ(result["baseline"]["kv_key"], "f32");
    ASSERT_EQ(result["results"].size(), 3U);
    EXPECT_EQ(result["results"][0]["name"], "int8/f16");
    EXPECT_EQ(result["results"][0]["kv_key"], "int8");
    EXPECT_EQ(result["results"][0]["kv_value"], "f16");
    EXPECT_EQ(result["results"][2]["name"], "noise floor (f32-rotated)");
    expect_figures(result["results"][0], expected_of(model, protocol, {"int8", "f16"}));
    expect_figures(result["results"][1], expected_of(model, protocol, {"int4"}));
    expect_figures(result["results"][2], expected_of(model, protocol, {"f32-rotated"}));
  }
}

TEST_F(Kl, DecodingIsScoredAtTheEndOfChunks) {
  const Model model = Model::load(model_);
  const json result = pith_json(command({"--context", "301", "--chunks", "2", "--decode", "40", "--kv", "int4"}));
  EXPECT_EQ(result["decode"], 40);
  EXPECT_EQ(result["tokens_scored"], 80);
  const std::vector<double> all = expected_of(model, {some_text(7919), 301, 2}, {"int4"}).kl;
  double mean = 0;
  for (const std::size_t chunk_end : {all.size() / 2, all.size()}) {
    for (std::size_t i = chunk_end - 40; i < chunk_end; ++i) mean += all[i] / 80;
  }
  EXPECT_NEAR(result["results"][0]["mean_kl"], mean, 1e-9 * mean + 1e-13)
      << "without sparse reading it does not matter how";
}

TEST_F(Kl, SparseReadingIsMeasuredAgainstFull) {
  const json result = pith_json(command({"--context", "2000", "--chunks", "1", "--decode", "30", "--kv", "int4",
                                         "--sparse", "0.6", "--sparse", "0.9", "--baseline", "int4", "--no-floor"}));
  ASSERT_EQ(result["results"].size(), 2U) << "the baseline itself is left out";
  EXPECT_EQ(result["results"][0]["name"], "int4 sparse 0.6");
  EXPECT_EQ(result["results"][0]["read_share"], 0.6);
  EXPECT_GT(result["results"][1]["mean_kl"].get<double>(), 0);
  EXPECT_GT(result["results"][0]["mean_kl"].get<double>(), result["results"][1]["mean_kl"].get<double>());
  EXPECT_EQ(pith(command({"--kv", "int4", "--sparse", "0.6"})).status, 2) << "nothing is fed alone";
}

TEST_F(Kl, ChunksBeginWithBosWhereTheModelWantsIt) {
  GgufWriter writer = tiny_model_writer();
  writer.remove("tokenizer.ggml.add_bos_token").add("tokenizer.ggml.add_bos_token", true);
  const auto path = folder_ / "bos.gguf";
  writer.write(path);
  const json result = pith_json({"eval", "kl", "-m", path.string(), "--text", text_, "--context", "100", "--chunks",
                                 "3", "--kv", "f16", "--baseline", "int4/int8", "--no-floor"});
  const Protocol protocol{some_text(7919), 100, 3, {"int4", "int8"}, 1};
  EXPECT_EQ(result["baseline"]["kv_value"], "int8");
  ASSERT_EQ(result["results"].size(), 1U);
  expect_figures(result["results"][0], expected_of(Model::load(path), protocol, {"f16"}));
}

TEST_F(Kl, FewerBitsAreFartherAndTheFloorIsNear) {
  const json result = pith_json(command({"--context", "1024", "--chunks", "1", "--arithmetic", "f32", "--kv", "f32",
                                         "--kv", "int8", "--kv", "int4", "--kv", "int2"}));
  EXPECT_EQ(result["arithmetic"], "f32");
  const json& rows = result["results"];
  ASSERT_EQ(rows.size(), 5U);
  EXPECT_EQ(rows[0]["mean_kl"], 0);
  EXPECT_EQ(rows[0]["max"], 0);
  EXPECT_EQ(rows[0]["top_agreement"], 1);
  EXPECT_EQ(rows[0]["perplexity_ratio"], 1);
  for (std::size_t i = 1; i < 4; ++i) {
    EXPECT_GT(rows[i]["mean_kl"].get<double>(), rows[i - 1]["mean_kl"].get<double>()) << i;
    EXPECT_LT(rows[i]["bits"].get<double>(), rows[i - 1]["bits"].get<double>()) << i;
    EXPECT_LT(rows[i]["bits_8k"].get<double>(), rows[i]["bits"].get<double>()) << i;
    EXPECT_FALSE(rows[i]["noise_floor"].get<bool>());
    expect_ordered(rows[i]);
  }
  EXPECT_TRUE(rows[4]["noise_floor"].get<bool>());
  EXPECT_GT(rows[4]["mean_kl"].get<double>(), 0);
  EXPECT_LT(rows[4]["max"].get<double>(), 1e-6);
}

TEST_F(Kl, BitsAreThoseOfTheCache) {
  const json result = pith_json(command({"--context", "700", "--chunks", "1", "--kv", "int4", "--kv", "int8/int4"}));
  const Model model = Model::load(model_);
  const std::vector<Token> tokens =
      model.tokenizer().encode(some_text(7919), {.add_special = true, .parse_special = false});
  const KvOptions caches[] = {{"int4"}, {"int8", "int4"}, {"f32-rotated"}};
  for (std::size_t i = 0; i < 3; ++i) {
    Session session(model, {.kv = caches[i]});
    session.feed(std::span(tokens).first(699));
    EXPECT_DOUBLE_EQ(result["results"][i]["bits"], session.kv_stats().bits()) << i;
    EXPECT_DOUBLE_EQ(result["results"][i]["bits_8k"], predict_kv(model, caches[i], 8191).bits()) << i;
  }
}

TEST_F(Kl, TextsApartAndTogether) {
  const std::string other = write_text(folder_ / "other.txt", some_text(104729));
  const json both =
      pith_json(command({"--text", other, "--context", "128", "--chunks", "3", "--kv", "int8", "--kv", "int4"}));
  EXPECT_EQ(both["chunks"], 6);
  EXPECT_EQ(both["tokens_scored"], 6 * 63);
  double sum = 0;
  for (const std::string& path : {text_, other}) {
    EXPECT_EQ(both["texts"][path]["chunks"], 3);
    const json alone = pith_json({"eval", "kl", "-m", model_, "--text", path, "--context", "128", "--chunks", "3",
                                  "--kv", "int4", "--threads", "1"});
    json figures = both["results"][1]["texts"][path];
    EXPECT_EQ(figures, alone["results"][0]["texts"][path]);
    EXPECT_EQ(figures["mean_kl"], alone["results"][0]["mean_kl"]);
    sum += figures["mean_kl"].get<double>();
  }
  EXPECT_NEAR(both["results"][1]["mean_kl"].get<double>(), sum / 2, 1e-12);
}

TEST_F(Kl, NoNumberOfChunksMeansAll) {
  const std::size_t tokens =
      Model::load(model_).tokenizer().encode(some_text(7919), {.add_special = true, .parse_special = false}).size();
  const json result = pith_json(command({"--context", "1000", "--kv", "f16"}));
  EXPECT_EQ(result["chunks"], tokens / 1000);
}

TEST_F(Kl, TableAndProgress) {
  const Outcome outcome = pith(command({"--context", "64", "--chunks", "3", "--kv", "int8", "--kv", "int8/int4"}));
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  for (const char* line : {"KV ", "\nint8 ", "\nint8/int4 ", "\nnoise floor (f32-rotated) ", "\nagainst f32, "}) {
    EXPECT_NE(outcome.out.find(line), std::string::npos) << line << outcome.out;
  }
  EXPECT_EQ(std::count(outcome.out.begin(), outcome.out.end(), '\n'), 5) << outcome.out;
  EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 3) << outcome.err;
  EXPECT_NE(outcome.err.find("chunk 3 of 3, int8 "), std::string::npos) << outcome.err;
  const std::string other = write_text(folder_ / "other.txt", "more, " + some_text(31));
  const std::string two = pith_output(command({"--text", other, "--context", "64", "--chunks", "1", "--kv", "int8"}));
  EXPECT_NE(two.find(other + " (1 chunk)\n"), std::string::npos) << two;
  EXPECT_NE(two.find("\nall texts\n"), std::string::npos) << two;
}

TEST_F(Kl, PlotHasEveryCacheButTheFloor) {
  const std::string plot = (folder_ / "kl.svg").string();
  const Args caches = {"--context", "64", "--chunks", "1", "--kv", "int8", "--kv", "int4", "--kv", "kivi4"};
  Args args = command(caches);
  args.insert(args.end(), {"--plot", plot});
  const Outcome outcome = pith(args);
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_NE(outcome.out.find("\nint8 "), std::string::npos) << "the table is printed all the same";
  const Xml xml(read_file(plot));
  for (const char* name : {"int8", "int4", "kivi4"}) EXPECT_TRUE(xml.has_text(name)) << name;
  EXPECT_FALSE(xml.has_text("noise floor (f32-rotated)"));
  const Outcome nowhere = pith(command({"--kv", "int8", "--plot", (folder_ / "nowhere").string() + "/kl.svg"}));
  EXPECT_EQ(nowhere.status, 1);
  EXPECT_NE(nowhere.err.find("nowhere"), std::string::npos) << nowhere.err;
}

TEST_F(Kl, WrongUsage) {
  const Args lines[] = {{"eval", "kl", "-m", model_, "--kv", "int8"},
                        {"eval", "kl", "--text", text_, "--kv", "int8"},
                        command({}),
                        command({"--kv", "int8", "--context", "3"}),
                        command({"--kv", "int8", "--chunks", "-1"}),
                        command({"--kv", "int8", "int4"}),
                        command({"--kv", "int8", "--floor", "f16", "--no-floor"})};
  for (const Args& line : lines) {
    const Outcome outcome = pith(line);
    EXPECT_EQ(outcome.status, 2) << line.back();
    EXPECT_EQ(outcome.out, "");
  }
}

TEST_F(Kl, Failures) {
  const std::pair<Args, const char*> lines[] = {
      {command({"--kv", "zip"}), "zip"},
      {command({"--kv", "int8", "--baseline", "zap"}), "zap"},
      {command({"--kv", "int8", "--floor", "zop"}), "zop"},
      {command({"--kv", "int8", "--chunks", "1000000"}), "too few for 1000000 chunks of 2048"},
      {command({"--kv", "int8", "--text", text_}), "two texts are named"},
      {command({"--kv", "int8", "--text", (folder_ / "missing").string()}), "missing"}};
  for (const auto& [line, why] : lines) {
    const Outcome outcome = pith(line);
    EXPECT_EQ(outcome.status, 1) << why;
    EXPECT_EQ(outcome.out, "") << why;
    EXPECT_NE(outcome.err.find(why), std::string::npos) << outcome.err;
  }
}

}  // namespace
}  // namespace pith::test
