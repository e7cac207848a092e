#include <pith/pith.h>

#include <cmath>

#include "tools/tool.h"

namespace pith::test {
namespace {

/// Enough for some chunks, with a special token that must be read as plain text.
std::string short_text() {
  std::string text = "It was said that <|im_end|> is ";
  for (int i = 0; i < 60; ++i) text += "the " + std::to_string(i * 7919 % 1000) + " and other words, ";
  return text;
}

/// By the definition: each chunk in a session of its own, logits of all positions, softmax in double.
std::vector<double> running_perplexities(const Model& model, std::vector<Token> tokens, std::size_t context,
                                         std::size_t chunks, Token bos) {
  std::vector<double> running;
  double sum = 0;
  int count = 0;
  for (std::size_t i = 0; i < chunks; ++i) {
    std::vector<Token> chunk(tokens.begin() + static_cast<std::ptrdiff_t>(i * context),
                             tokens.begin() + static_cast<std::ptrdiff_t>((i + 1) * context));
    if (bos >= 0) chunk[0] = bos;
    Session session(model);
    session.feed_logits(chunk, [&](int position, std::span<const float> logits) {
      const auto j = static_cast<std::size_t>(position);
      if (j < context / 2 || j + 1 >= context) return;
      double total = 0;
      for (const float logit : logits) total += std::exp(static_cast<double>(logit));
      sum += std::log(total) - static_cast<double>(logits[static_cast<std::size_t>(chunk[j + 1])]);
      ++count;
    });
    running.push_back(std::exp(sum / count));
  }
  return running;
}

class Perplexity : public ToolTest {
 protected:
  void expect_as_defined(const std::string& path, Token bos, const std::string& context, std::size_t chunks) const {
    const Model model = Model::load(path);
    const std::vector<Token> tokens =
        model.tokenizer().encode(short_text(), {.add_special = true, .parse_special = false});
    const std::vector<double> expected = running_perplexities(model, tokens, std::stoul(context), chunks, bos);
    const json result = pith_json(
        {"eval", "perplexity", "-m", path, "--text", text_, "--context", context, "--chunks", std::to_string(chunks)});
    EXPECT_EQ(result["chunks"], chunks);
    EXPECT_EQ(result["context"], std::stoi(context));
    EXPECT_EQ(result["tokens_scored"], chunks * (std::stoul(context) - 1 - std::stoul(context) / 2));
    const auto running = result["running"].get<std::vector<double>>();
    ASSERT_EQ(running.size(), chunks);
    for (std::size_t i = 0; i < chunks; ++i) EXPECT_NEAR(running[i] / expected[i], 1.0, 1e-5) << i;
    EXPECT_DOUBLE_EQ(result["perplexity"], running.back());
    EXPECT_NEAR(std::exp(result["mean_nll"].get<double>()), running.back(), 1e-9 * running.back());
    EXPECT_GT(result["standard_error"].get<double>(), 0);
  }

  const std::string text_ = write_text(folder_ / "text.txt", short_text());
};

TEST_F(Perplexity, IsAsDefined) {
  expect_as_defined(model_, -1, "64", 3);
  expect_as_defined(model_, -1, "33", 2);
  expect_as_defined(model_, -1, "4", 5);
}

TEST_F(Perplexity, ChunksBeginWithBosWhereTheModelWantsIt) {
  GgufWriter writer = tiny_model_writer();
  writer.remove("tokenizer.ggml.add_bos_token").add("tokenizer.ggml.add_bos_token", true);
  const auto path = folder_ / "bos.gguf";
  writer.write(path);
  expect_as_defined(path.string(), 1, "64", 3);
}

TEST_F(Perplexity, NoNumberOfChunksMeansAll) {
  const std::size_t tokens =
      Model::load(model_).tokenizer().encode(short_text(), {.add_special = true, .parse_special = false}).size();
  const json result = pith_json({"eval", "perplexity", "-m", model_, "--text", text_, "--context", "100"});
  EXPECT_EQ(result["chunks"], tokens / 100);
}

TEST_F(Perplexity, TextResultAndProgress) {
  const Outcome outcome =
      pith({"eval", "perplexity", "-m", model_, "--text", text_, "--context", "64", "--chunks", "3", "--kv", "int8"});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_TRUE(outcome.out.starts_with("perplexity ")) << outcome.out;
  EXPECT_NE(outcome.out.find("int8/int8"), std::string::npos) << outcome.out;
  EXPECT_EQ(std::count(outcome.out.begin(), outcome.out.end(), '\n'), 1);
  EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 3) << outcome.err;
  EXPECT_NE(outcome.err.find("chunk 3 of 3"), std::string::npos) << outcome.err;
}

}  // namespace
}  // namespace pith::test
