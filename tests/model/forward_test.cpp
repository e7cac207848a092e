#include <gtest/gtest.h>
#include <pith/pith.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>

#include "support/relative_error.h"
#include "support/tiny_model.h"
#include "support/tiny_shapes.h"

namespace pith {
namespace {

using gguf::TensorType;
using test::GgufWriter;
using test::TempDir;
using test::TinyModelSpec;

std::vector<Token> some_tokens(const Model& model, std::size_t count) {
  std::vector<Token> tokens(count);
  std::uint32_t state = 12345;
  for (Token& t : tokens) {
    state = state * 1664525U + 1013904223U;
    t = static_cast<Token>((state >> 8) % static_cast<std::uint32_t>(model.info().vocab));
  }
  return tokens;
}

/// Returns the logits after every token, fed in calls of `call` tokens.
std::vector<float> all_logits(const Model& model, const SessionOptions& options, std::span<const Token> tokens,
                              std::size_t call) {
  Session session(model, options);
  std::vector<float> all;
  for (std::size_t at = 0; at < tokens.size(); at += call) {
    session.feed_logits(
        tokens.subspan(at, std::min(call, tokens.size() - at)),
        [&](int, std::span<const float> logits) { all.insert(all.end(), logits.begin(), logits.end()); });
  }
  return all;
}

class EveryShape : public testing::TestWithParam<test::TinyShape> {};

TEST_P(EveryShape, IsFiniteDeterministicAndIndependentOfBatchesAndThreads) {
  const TempDir folder;
  const Model model = Model::load(test::write_tiny_model(GetParam().spec, folder));
  const auto tokens = some_tokens(model, 300);
  // Sanitizers are slow.
  using Codecs = std::vector<const char*>;
  for (const char* codec : PITH_SANITIZED != 0 ? Codecs{"int8"} : Codecs{"f16", "int8", "int2"}) {
    const auto expected = all_logits(model, {.kv = {codec}, .threads = 1, .batch_tokens = 256}, tokens, 300);
    for (const float x : expected) ASSERT_TRUE(std::isfinite(x));
    EXPECT_EQ(all_logits(model, {.kv = {codec}, .threads = 1, .batch_tokens = 256}, tokens, 300), expected)
        << "the same again";
    EXPECT_EQ(all_logits(model, {.kv = {codec}, .threads = 3, .batch_tokens = 256}, tokens, 300), expected)
        << "three threads";
    EXPECT_EQ(all_logits(model, {.kv = {codec}, .threads = 2, .batch_tokens = 37}, tokens, 300), expected)
        << "batches of 37";
    EXPECT_EQ(all_logits(model, {.kv = {codec}, .threads = 2, .batch_tokens = 256}, tokens, 1), expected)
        << "token by token";
  }
}

TEST_P(EveryShape, CodecsStayCloseToTheExactCache) {
  const TempDir folder;
  const Model model = Model::load(test::write_tiny_model(GetParam().spec, folder));
  if (model.info().heads == 0) GTEST_SKIP() << "without attention there is nothing to be encoded";
  const auto tokens = some_tokens(model, 150);
  const auto exact = all_logits(model, {.kv = {"f32"}}, tokens, 150);
  for (const auto& [codec, limit] :
       std::map<const char*, double>{{"f16", 2e-3}, {"bf16", 2e-2}, {"int8", 3e-2}, {"int4", 0.4}}) {
    const double error = test::relative_error(all_logits(model, {.kv = {codec}}, tokens, 150), exact);
    EXPECT_LT(error, limit) << codec;
    EXPECT_GT(error, 0.0) << codec << " was not used";
  }
}

/// Returns the share of tokens after which two runs have the same likeliest next token.
double top_1_agreement(const std::vector<float>& a, const std::vector<float>& b, std::size_t vocab) {
  std::size_t same = 0;
  const auto top = [&](const std::vector<float>& logits, std::size_t row) {
    const auto from = logits.begin() + static_cast<std::ptrdiff_t>(row * vocab);
    return std::max_element(from, from + static_cast<std::ptrdiff_t>(vocab)) - from;
  };
  for (std::size_t row = 0; row < a.size() / vocab; ++row) same += top(a, row) == top(b, row) ? 1U : 0U;
  const std::size_t rows = a.size() / vocab;
  return static_cast<double>(same) / static_cast<double>(rows);
}

/// Returns each codec's agreement with the exact cache, on random weights whose keys have a bias in one channel of
/// every layer.
std::map<std::string, double> agreement_with_key_bias(float bias, std::size_t channel) {
  const TempDir folder;
  TinyModelSpec spec = test::tiny_shape("qwen2", 4, 2, 64);
  spec.tied_output = false;
  GgufWriter writer = test::tiny_model_writer(spec);
  for (GgufWriter::Tensor& tensor : writer.tensors) {
    if (tensor.name.find("attn_k.bias") == std::string::npos) continue;
    std::memcpy(&tensor.data[channel * sizeof bias], &bias, sizeof bias);
  }
  writer.write(folder.path() / "biased.gguf");
  const Model model = Model::load(folder.path() / "biased.gguf");
  const auto tokens = some_tokens(model, 450);
  const auto exact = all_logits(model, {.kv = {"f32"}}, tokens, 450);
  std::map<std::string, double> agreement;
  for (const char* codec : {"f16", "int8", "int4", "int3", "int2"}) {
    const auto got = all_logits(model, {.kv = {codec}}, tokens, 450);
    for (const float x : got) EXPECT_TRUE(std::isfinite(x)) << codec;
    agreement[codec] = top_1_agreement(got, exact, static_cast<std::size_t>(model.info().vocab));
  }
  return agreement;
}

TEST(KeyBias, OfSixHundredInOneChannelStaysFiniteAndKeepsTheTopToken) {
  const auto unbiased = agreement_with_key_bias(0.0F, 0);
  for (const std::size_t channel : {0UL, 7UL, 33UL, 63UL}) {
    for (const auto& [codec, agreement] : agreement_with_key_bias(600.0F, channel)) {
      // A large bias makes attention sharp, so that errors of values average out less.
      const double worse = codec == "int2" ? 0.15 : codec == "int3" ? 0.1 : 0.05;
      EXPECT_GE(agreement, unbiased.at(codec) - worse) << codec << ", channel " << channel;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, EveryShape, testing::ValuesIn(test::tiny_shapes()),
                         [](const auto& test) { return test.param.name; });

class EveryWeightType : public testing::TestWithParam<TensorType> {};

TEST_P(EveryWeightType, FastArithmeticIsCloseToTheExpandedWeights) {
  const TempDir folder;
  TinyModelSpec spec;
  spec.embedding = 256;
  spec.heads = 4;
  spec.kv_heads = 2;
  spec.head_size = 64;
  spec.feed_forward = 512;
  spec.weight_type = GetParam();
  const auto path = test::write_tiny_model(spec, folder);
  const Model fast = Model::load(path);
  const Model exact = Model::load(path, {.arithmetic = Arithmetic::kF32});
  const auto tokens = some_tokens(fast, 40);
  const auto expected = all_logits(exact, {.kv = {"f32"}}, tokens, 40);
  EXPECT_LT(test::relative_error(all_logits(fast, {.kv = {"f32"}}, tokens, 40), expected), 0.05);
}

INSTANTIATE_TEST_SUITE_P(Types, EveryWeightType,
                         testing::Values(TensorType::kF32, TensorType::kF16, TensorType::kBF16, TensorType::kQ4_0,
                                         TensorType::kQ4_1, TensorType::kQ5_0, TensorType::kQ5_1, TensorType::kQ8_0,
                                         TensorType::kQ2_K, TensorType::kQ3_K, TensorType::kQ4_K, TensorType::kQ5_K,
                                         TensorType::kQ6_K, TensorType::kIQ4_NL, TensorType::kIQ4_XS, TensorType::kQ8_K,
                                         TensorType::kMXFP4, TensorType::kNVFP4, TensorType::kIQ1_S, TensorType::kIQ1_M,
                                         TensorType::kIQ2_XXS, TensorType::kIQ2_XS, TensorType::kIQ2_S,
                                         TensorType::kIQ3_XXS, TensorType::kIQ3_S, TensorType::kTQ1_0,
                                         TensorType::kTQ2_0),
                         [](const auto& test) { return std::string(gguf::type_info(test.param).name); });

}  // namespace
}  // namespace pith
