// Logits of the real SmolLM2-135M-Instruct against a float32 reference: weights dequantized, nothing else rounded.
#include <gtest/gtest.h>
#include <pith/pith.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "support/paths.h"

namespace pith {
namespace {

struct Candidate {
  Token token;
  float logit;
};

struct Case {
  std::string prompt;
  std::vector<Token> ids;
  std::vector<Token> greedy;
  std::vector<std::vector<Candidate>> top5;  ///< By step.
};

std::vector<Case> read_cases(const std::filesystem::path& path) {
  std::ifstream in(path);
  const nlohmann::json all = nlohmann::json::parse(in);
  std::vector<Case> cases;
  for (const auto& item : all.at("cases")) {
    Case c{item.at("prompt"), item.at("ids"), item.at("greedy"), {}};
    for (const auto& step : item.at("top5")) {
      std::vector<Candidate> candidates;
      for (const auto& pair : step) candidates.push_back({pair.at(0), pair.at(1)});
      c.top5.push_back(std::move(candidates));
    }
    cases.push_back(std::move(c));
  }
  return cases;
}

class SmolLm2Reference : public testing::Test {
 protected:
  void SetUp() override {
    const auto shared = test::shared_dir();
    const auto model = test::find_model("smollm2");
    if (!std::filesystem::exists(shared)) GTEST_SKIP() << "the reference logits are not here (../shared)";
    if (!model) GTEST_SKIP() << "SmolLM2 is not here: scripts/get_model.sh smollm2";
    cases_ = read_cases(shared / "data" / "smollm2-reference.json");
    model_path_ = *model;
  }

  /// Calls check(step's candidates, logits) for each step, with teacher forcing.
  template <typename Check>
  void for_steps(const ModelOptions& model_options, const KvOptions& kv, const Check& check) {
    Session session(Model::load(model_path_, model_options), {.kv = kv, .context = 512});
    for (const Case& c : cases_) {
      session.reset();
      std::vector<Token> fed = c.ids;
      fed.insert(fed.end(), c.greedy.begin(), c.greedy.end() - 1);
      session.feed_logits(fed, [&](int position, std::span<const float> logits) {
        const int step = position - static_cast<int>(c.ids.size()) + 1;
        if (step >= 0 && step < static_cast<int>(c.top5.size())) check(c.top5[static_cast<std::size_t>(step)], logits);
      });
    }
  }

  std::vector<Case> cases_;
  std::filesystem::path model_path_;
};

Token best(std::span<const float> logits) {
  return static_cast<Token>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

float range(std::span<const float> logits) {
  const auto [low, high] = std::minmax_element(logits.begin(), logits.end());
  return *high - *low;
}

TEST_F(SmolLm2Reference, PromptsTokenizeAlike) {
  const Model model = Model::load(model_path_);
  for (const Case& c : cases_) EXPECT_EQ(model.tokenizer().encode(c.prompt), c.ids) << c.prompt;
}

TEST_F(SmolLm2Reference, FastArithmeticAgreesWhereTheMarginIsClear) {
  int clear = 0;
  for_steps({}, {.key = "f16"}, [&](const std::vector<Candidate>& top, std::span<const float> logits) {
    for (const Candidate& c : top) {
      EXPECT_NEAR(logits[static_cast<std::size_t>(c.token)], c.logit, 0.03F * range(logits));
    }
    if (top[0].logit - top[1].logit <= 1.0F) return;
    ++clear;
    EXPECT_EQ(best(logits), top[0].token);
  });
  EXPECT_GT(clear, 10);
}

TEST_F(SmolLm2Reference, F32ArithmeticAgreesToAThousandth) {
  for_steps({.arithmetic = Arithmetic::kF32}, {.key = "f32"},
            [&](const std::vector<Candidate>& top, std::span<const float> logits) {
              for (const Candidate& c : top) {
                EXPECT_NEAR(logits[static_cast<std::size_t>(c.token)], c.logit, 1e-3F * std::fabs(c.logit));
              }
              EXPECT_EQ(best(logits), top[0].token);
            });
}

}  // namespace
}  // namespace pith
