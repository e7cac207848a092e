#include "model/reference_forward.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <pith/pith.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <sstream>

#include "model/reference_variants.h"
#include "support/session_inputs.h"
#include "support/tiny_shapes.h"

namespace pith {
namespace {

using test::ReferenceSpec;
using test::TempDir;
using test::Variant;

using Logits = std::vector<std::vector<double>>;

/// Pith rounds to float32 after every operation, the oracle to float64.
constexpr double kTolerance = 1e-5;
/// What a mistake must be above.
constexpr double kMistake = 100 * kTolerance;

/// Returns pith's logits after every token, fed in calls of `call` tokens, without approximations: float32 weights,
/// activations and cache.
Logits pith_logits(const Model& model, std::span<const Token> tokens, std::size_t call, int threads = 1) {
  Session session(model, {.kv = {"f32"}, .threads = threads});
  Logits all;
  for (std::size_t at = 0; at < tokens.size(); at += call) {
    session.feed_logits(tokens.subspan(at, std::min(call, tokens.size() - at)),
                        [&](int, std::span<const float> logits) { all.emplace_back(logits.begin(), logits.end()); });
  }
  return all;
}

Logits oracle_logits(const std::filesystem::path& path, std::span<const Token> tokens) {
  const gguf::File file = gguf::File::open(path);
  return test::reference_logits(file, test::read_reference_spec(file), tokens);
}

/// Returns the relative error, in the Euclidean norm, of the logits after the token where it is largest.
double worst_error(const Logits& got, const Logits& expected) {
  if (got.size() != expected.size()) return INFINITY;
  double worst = 0;
  for (std::size_t t = 0; t < got.size(); ++t) {
    double error = 0;
    double size = 0;
    for (std::size_t i = 0; i < expected[t].size(); ++i) {
      error += std::pow(got[t].at(i) - expected[t][i], 2);
      size += std::pow(expected[t][i], 2);
    }
    const double relative = std::sqrt(error / size);
    // Keeps a NaN.
    if (!(relative <= worst)) worst = relative;
  }
  return worst;
}

/// Writes the figure into the report that --gtest_output=json writes.
void record(double error) { testing::Test::RecordProperty("relative_error", fmt::format("{:.1e}", error)); }

class Oracle : public testing::TestWithParam<Variant> {};

TEST_P(Oracle, AgreesHoweverThePromptIsCut) {
  const TempDir folder;
  const auto path = test::write_variant(GetParam(), folder / "tiny.gguf");
  const Model model = Model::load(path, {.arithmetic = Arithmetic::kF32});
  const auto tokens = test::random_tokens(model, GetParam().tokens, 1);
  const Logits expected = oracle_logits(path, tokens);
  const double error = worst_error(pith_logits(model, tokens, tokens.size()), expected);
  record(error);
  EXPECT_LT(error, kTolerance);
  EXPECT_LT(worst_error(pith_logits(model, tokens, 37, 2), expected), kTolerance) << "calls of 37 tokens";
  if (PITH_SANITIZED != 0) return;
  EXPECT_LT(worst_error(pith_logits(model, tokens, 1), expected), kTolerance) << "token by token";
}

INSTANTIATE_TEST_SUITE_P(Shapes, Oracle, testing::ValuesIn(test::shape_variants()),
                         [](const auto& test) { return test.param.name; });
INSTANTIATE_TEST_SUITE_P(Keys, Oracle, testing::ValuesIn(test::key_variants()),
                         [](const auto& test) { return test.param.name; });
INSTANTIATE_TEST_SUITE_P(Types, Oracle, testing::ValuesIn(test::type_variants()),
                         [](const auto& test) { return test.param.name; });

class OracleMistake : public testing::TestWithParam<test::Mistake> {};

TEST_P(OracleMistake, IsFarAboveTheTolerance) {
  if (PITH_SANITIZED != 0) GTEST_SKIP() << "a test of the oracle, for builds that are fast";
  const TempDir folder;
  const auto path = test::write_variant(GetParam().model, folder / "right.gguf");
  const Model model = Model::load(path, {.arithmetic = Arithmetic::kF32});
  const auto tokens = test::random_tokens(model, GetParam().model.tokens, 1);

  Variant wrong = GetParam().model;
  wrong.edits.insert(wrong.edits.end(), GetParam().edits.begin(), GetParam().edits.end());
  const gguf::File file = gguf::File::open(test::write_variant(wrong, folder / "wrong.gguf"));
  ReferenceSpec spec = test::read_reference_spec(file);
  if (GetParam().change) GetParam().change(spec);
  const double error =
      worst_error(pith_logits(model, tokens, tokens.size()), test::reference_logits(file, spec, tokens));
  record(error);
  EXPECT_GT(error, kMistake);
}

INSTANTIATE_TEST_SUITE_P(Mistakes, OracleMistake, testing::ValuesIn(test::mistakes()),
                         [](const auto& test) { return test.param.model.name; });

/// Returns the message of the error that loading a model of this architecture gives.
std::string refusal_of(const std::string& architecture) {
  const TempDir folder;
  test::TinyModelSpec spec;
  spec.architecture = architecture;
  try {
    Model::load(test::write_tiny_model(spec, folder));
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(OracleTable, HasAShapeOfEveryArchitectureThatPithKnows) {
  if (PITH_SANITIZED != 0) GTEST_SKIP() << "sanitized builds take fewer shapes";
  std::set<std::string> compared;
  for (const Variant& variant : test::shape_variants()) compared.insert(variant.spec.architecture);
  for (const test::TinyShape& encoder : test::tiny_encoders()) compared.insert(encoder.spec.architecture);
  const std::string message = refusal_of("nonesuch");
  const std::string before = "known are ";
  ASSERT_NE(message.find(before), std::string::npos) << message;
  std::istringstream known(message.substr(message.find(before) + before.size()));
  std::size_t count = 0;
  for (std::string name; std::getline(known >> std::ws, name, ','); ++count) {
    EXPECT_TRUE(compared.contains(name)) << name;
  }
  EXPECT_EQ(count, compared.size()) << message;
}

TEST(OracleTable, RefusesWhatItDoesNotKnow) {
  const TempDir folder;
  const auto logits_with = [&](const test::Edit& edit) {
    Variant variant;
    variant.edits = {edit};
    return oracle_logits(test::write_variant(variant, folder / "tiny.gguf"), std::vector<Token>{1});
  };
  EXPECT_NO_THROW(logits_with([](auto&) {}));
  EXPECT_THROW(
      logits_with([](auto& writer) { writer.remove("general.architecture").add("general.architecture", "x"); }),
      std::invalid_argument);
  EXPECT_THROW(logits_with([](auto& writer) { writer.add("llama.rope.scaling.type", "dynamic"); }),
               std::invalid_argument);
  EXPECT_THROW(logits_with([](auto& writer) { writer.add_tensor("blk.0.extra", {1}, std::vector<float>{1.0F}); }),
               std::invalid_argument);
}

class OracleOnARealModel : public testing::TestWithParam<const char*> {};

TEST_P(OracleOnARealModel, Agrees) {
#if PITH_SANITIZED
  GTEST_SKIP() << "too slow under sanitizers";
#endif
  const auto path = test::find_model(GetParam());
  if (!path) GTEST_SKIP() << "the model is not here: scripts/get_model.sh " << GetParam();
  const Model model = Model::load(*path, {.arithmetic = Arithmetic::kF32});
  const auto tokens = model.tokenizer().encode("The oracle");
  const double error = worst_error(pith_logits(model, tokens, tokens.size(), 2), oracle_logits(*path, tokens));
  record(error);
  EXPECT_LT(error, kTolerance);
}

INSTANTIATE_TEST_SUITE_P(Models, OracleOnARealModel, testing::Values("smollm2", "gemma3"),
                         [](const auto& test) { return std::string(test.param); });

}  // namespace
}  // namespace pith
