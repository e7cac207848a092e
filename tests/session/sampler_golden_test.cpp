#include <gtest/gtest.h>
#include <pith/sampling.h>

#include <cstdint>
#include <fstream>
#include <limits>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "support/paths.h"

// Draws that were recorded when the sampler was one function of eight options: what a user's seed gives stays.
namespace pith::test {
namespace {

constexpr std::size_t kGoldenVocab = 2000;
constexpr std::size_t kGoldenDraws = 300;

/// Logits of one step: multiples of 1/1024 between -12 and 12, so that there are ties, the same on every platform.
std::vector<float> logits_of_step(std::uint64_t step) {
  Rng rng(step + 1);
  std::vector<float> logits(kGoldenVocab);
  for (float& logit : logits) {
    double sum = 0;
    for (int i = 0; i < 3; ++i) sum += rng.uniform();
    logit = static_cast<float>(static_cast<int>((sum - 1.5) * 8192)) / 1024.0F;
  }
  return logits;
}

std::map<std::string, SamplingOptions> option_sets() {
  std::map<std::string, SamplingOptions> sets;
  sets["greedy"] = {};
  sets["warm"] = {.temperature = 1.0F, .seed = 1};
  sets["top_k"] = {.temperature = 0.8F, .top_k = 40, .seed = 2};
  sets["top_k_of_all"] = {.temperature = 0.8F, .top_k = 5000, .seed = 3};
  sets["top_p"] = {.temperature = 1.3F, .top_p = 0.9F, .seed = 4};
  sets["min_p"] = {.temperature = 0.7F, .min_p = 0.02F, .seed = 5};
  sets["filters"] = {.temperature = 0.9F, .top_k = 100, .top_p = 0.95F, .min_p = 0.01F, .seed = 6};
  sets["penalties"] = {.temperature = 0.6F,
                       .top_p = 0.8F,
                       .repetition_penalty = 1.2F,
                       .presence_penalty = 0.3F,
                       .frequency_penalty = 0.4F,
                       .penalty_window = -1,
                       .seed = 7};
  sets["greedy_penalties"] = {.repetition_penalty = 1.5F, .penalty_window = 16};
  sets["bias"] = {.temperature = 1.0F,
                  .top_k = 20,
                  .logit_bias = {{3, 11.0F}, {4, 9.5F}, {5, -std::numeric_limits<float>::infinity()}},
                  .seed = 8};
  return sets;
}

std::vector<Token> draws(const SamplingOptions& options) {
  Sampler sampler(options, kGoldenVocab);
  std::vector<Token> drawn;
  for (std::size_t i = 0; i < kGoldenDraws; ++i) drawn.push_back(sampler.sample(logits_of_step(i), drawn));
  return drawn;
}

TEST(SamplerGolden, DrawsWhatItDrewBeforeThereWereStages) {
  std::ifstream file(data_dir() / "sampler" / "draws.txt");
  std::map<std::string, std::vector<Token>> recorded;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string name;
    words >> name;
    for (Token token = 0; words >> token;) recorded[name].push_back(token);
  }
  const auto sets = option_sets();
  ASSERT_EQ(recorded.size(), sets.size());
  for (const auto& [name, options] : sets) EXPECT_EQ(draws(options), recorded[name]) << name;
}

}  // namespace
}  // namespace pith::test
