// Perplexity of the real models on the beginning of WikiText-2, the figure by which users compare engines. One chunk
// per test keeps the suite short; `pith eval perplexity` runs the whole protocol. Sanitizers are ten times slower, so
// there the chunk is a fifth as long and only its last tokens are scored. They look at the code, so only the ratios
// between codecs are checked then.
#include <gtest/gtest.h>
#include <pith/pith.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <span>

#include "support/paths.h"

namespace pith {
namespace {

#if PITH_SANITIZED
constexpr std::size_t kContext = 384;
constexpr std::size_t kScored = 64;
/// How far int8 may be off: a few predictions are noisy.
constexpr double kInt8Share = 0.02;
#else
constexpr std::size_t kContext = 2048;
/// The second half is scored, as in llama-perplexity.
constexpr std::size_t kScored = kContext / 2;
constexpr double kInt8Share = 0.006;
#endif
constexpr bool kWholeChunk = kContext == 2048;

class Perplexity : public testing::Test {
 protected:
  void load(const char* name) {
    const auto shared = test::shared_dir();
    const auto path = test::find_model(name);
    if (!std::filesystem::exists(shared)) GTEST_SKIP() << "WikiText-2 is not here (../shared)";
    if (!path) GTEST_SKIP() << name << " is not here: scripts/get_model.sh " << name;
    model_.emplace(Model::load(*path));
    tokens_ = model_->tokenizer().encode(test::read_file(shared / "data" / "wikitext2-test-head.txt"));
    tokens_.resize(kContext);
  }

  double first_chunk(const char* codec) const {
    Session session(*model_, {.kv = {codec}, .context = static_cast<int>(kContext)});
    const std::span<const Token> tokens = tokens_;
    session.feed(tokens.first(kContext - kScored));
    double loss = 0;
    int scored = 0;
    session.feed_logits(tokens.last(kScored), [&](int position, std::span<const float> logits) {
      const auto at = static_cast<std::size_t>(position);
      if (at + 1 >= kContext) return;
      const double max = static_cast<double>(*std::max_element(logits.begin(), logits.end()));
      double sum = 0;
      for (const float x : logits) sum += std::exp(static_cast<double>(x) - max);
      loss += std::log(sum) + max - static_cast<double>(logits[static_cast<std::size_t>(tokens_[at + 1])]);
      ++scored;
    });
    return std::exp(loss / scored);
  }

  std::optional<Model> model_;
  std::vector<Token> tokens_;
};

TEST_F(Perplexity, SmolLm2) {
  load("smollm2");
  if (!model_) return;
  const double f16 = first_chunk("f16");
  if (kWholeChunk) {
    EXPECT_NEAR(f16, 16.6, 0.2);
  }
  EXPECT_NEAR(first_chunk("int8"), f16, kInt8Share * f16);
  EXPECT_LT(first_chunk("int4"), 1.05 * f16);
}

TEST_F(Perplexity, Gemma3) {
  if (PITH_SANITIZED != 0) GTEST_SKIP() << "takes minutes under sanitizers, which saw the same code with SmolLM2";
  load("gemma3");
  if (!model_) return;
  const double f16 = first_chunk("f16");
  if (kWholeChunk) {
    EXPECT_NEAR(f16, 10.1, 0.15);
  }
  EXPECT_NEAR(first_chunk("int8"), f16, kInt8Share * f16);
  EXPECT_LT(first_chunk("int4"), 1.05 * f16);
}

}  // namespace
}  // namespace pith
