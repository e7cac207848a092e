// Logits of every architecture against llama.cpp's: models of random weights, which llama.cpp's own converter wrote,
// and what llama.cpp computes from them (tests/data/arch; scripts/arch_differential.sh makes them).
#include <gtest/gtest.h>
#include <pith/pith.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "support/paths.h"

namespace pith {
namespace {

/// Largest difference of a position over its largest logit.
constexpr float kErrorMax = 1e-4F;

std::filesystem::path folder() { return test::data_dir() / "arch"; }

/// Returns the names of the models, sorted.
std::vector<std::string> names() {
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator(folder())) {
    if (entry.path().extension() == ".gguf") found.push_back(entry.path().stem().string());
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::vector<Token> tokens() {
  std::ifstream file(folder() / "tokens.txt");
  return {std::istream_iterator<Token>(file), {}};
}

/// Returns llama.cpp's logits [tokens, vocab].
std::vector<float> expected_logits(const std::string& name) {
  const std::string bytes = test::read_file(folder() / (name + ".f32"));
  std::vector<float> logits(bytes.size() / sizeof(float));
  std::memcpy(logits.data(), bytes.data(), logits.size() * sizeof(float));
  return logits;
}

float relative_error(std::span<const float> logits, std::span<const float> expected) {
  float difference = 0;
  float largest = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    difference = std::max(difference, std::fabs(logits[i] - expected[i]));
    largest = std::max(largest, std::fabs(expected[i]));
  }
  return difference / largest;
}

/// Returns nothing where pith does not have the architecture yet, and says so in `reason`.
std::optional<Model> load(const std::string& name, std::string& reason) {
  try {
    return Model::load(folder() / (name + ".gguf"), {.arithmetic = Arithmetic::kF32});
  } catch (const Error& error) {
    reason = error.what();
    if (error.kind() != ErrorKind::kUnsupported || reason.find("is not known") == std::string::npos) throw;
    return std::nullopt;
  }
}

class Architectures : public testing::TestWithParam<std::string> {};

TEST_P(Architectures, LogitsAreThoseOfLlamaCpp) {
  std::string reason;
  const std::optional<Model> model = load(GetParam(), reason);
  if (!model) GTEST_SKIP() << reason;
  const std::vector<Token> fed = tokens();
  const std::vector<float> expected = expected_logits(GetParam());
  const auto vocab = static_cast<std::size_t>(model->info().vocab);
  ASSERT_EQ(expected.size(), fed.size() * vocab);

  Session session(*model, {.kv = {.key = "f32"}});
  session.feed_logits(fed, [&](int position, std::span<const float> logits) {
    const auto row = std::span(expected).subspan(static_cast<std::size_t>(position) * vocab, vocab);
    EXPECT_LE(relative_error(logits, row), kErrorMax) << "position " << position;
  });
}

INSTANTIATE_TEST_SUITE_P(Files, Architectures, testing::ValuesIn(names()), [](const auto& tested) {
  std::string label = tested.param;
  std::replace_if(
      label.begin(), label.end(), [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; }, '_');
  return label;
});

}  // namespace
}  // namespace pith
