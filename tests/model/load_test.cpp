#include <gtest/gtest.h>
#include <pith/pith.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "support/tiny_model.h"

namespace pith {
namespace {

using test::GgufWriter;
using test::TempDir;
using test::TinyModelSpec;

/// Loads a tiny model after `change` and expects an error of `kind` whose message contains all of `parts`.
void expect_refused(const TinyModelSpec& spec, const std::function<void(GgufWriter&)>& change, ErrorKind kind,
                    const std::vector<std::string>& parts) {
  const TempDir folder;
  GgufWriter writer = test::tiny_model_writer(spec);
  change(writer);
  writer.write(folder / "m.gguf");
  try {
    Model::load(folder / "m.gguf");
    FAIL() << "loaded";
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), kind) << e.what();
    EXPECT_NE(std::string(e.what()).find("m.gguf"), std::string::npos) << e.what();
    for (const std::string& part : parts)
      EXPECT_NE(std::string(e.what()).find(part), std::string::npos) << part << " in: " << e.what();
  }
}

TEST(Load, InfoSaysWhatTheFileSays) {
  const TempDir folder;
  TinyModelSpec spec;
  spec.architecture = "gemma3";
  spec.layers = 3;
  spec.kv_heads = 1;
  spec.sliding_window = 32;
  const Model model = Model::load(test::write_tiny_model(spec, folder));
  const ModelInfo& info = model.info();
  EXPECT_EQ(info.architecture, "gemma3");
  EXPECT_EQ(info.weight_type, "F32");
  EXPECT_EQ(info.layers, 3);
  EXPECT_EQ(info.embedding, 64);
  EXPECT_EQ(info.heads, 4);
  EXPECT_EQ(info.kv_heads, 1);
  EXPECT_EQ(info.head_size, 16);
  EXPECT_EQ(info.feed_forward, 128);
  EXPECT_EQ(info.context_trained, 4096);
  EXPECT_EQ(info.sliding_window, 32);
  EXPECT_EQ(info.vocab, model.tokenizer().vocab_size());
  EXPECT_GT(info.parameters, 0U);
  EXPECT_GE(info.weight_bytes, 4 * info.parameters);
}

TEST(Load, InfoCountsWhatATokenTakes) {
  for (const bool tied : {true, false}) {
    const TempDir folder;
    TinyModelSpec spec;
    spec.tied_output = tied;
    const Model model = Model::load(test::write_tiny_model(spec, folder));
    const ModelInfo& info = model.info();
    const auto vocab = static_cast<std::uint64_t>(info.vocab);
    // Query and output, key and value, then three matrices of the feed-forward block.
    EXPECT_EQ(info.layer_parameters, 2 * (2 * 64 * 64 + 2 * 64 * 32 + 3 * 64 * 128));
    EXPECT_EQ(info.output_parameters, vocab * 64);
    // A panel has 16 rows.
    const std::uint64_t embedding_bytes = (vocab + 15) / 16 * 16 * 64 * sizeof(float);
    EXPECT_EQ(info.weight_bytes - info.token_weight_bytes, tied ? 0 : embedding_bytes);
  }
}

TEST(Load, ProgressEndsAtOneAndLogsReachTheSink) {
  const TempDir folder;
  std::vector<double> shares;
  int lines = 0;
  ModelOptions options;
  options.progress = [&](double share) { shares.push_back(share); };
  options.log = [&](LogLevel, std::string_view) { ++lines; };
  Model::load(test::write_tiny_model({}, folder), options);
  ASSERT_FALSE(shares.empty());
  EXPECT_TRUE(std::is_sorted(shares.begin(), shares.end()));
  EXPECT_DOUBLE_EQ(shares.back(), 1.0);
  EXPECT_GT(lines, 0);
}

TEST(Load, UnknownArchitectureIsNamedWithTheKnownOnes) {
  expect_refused({}, [](GgufWriter& w) { w.remove("general.architecture").add("general.architecture", "mamba"); },
                 ErrorKind::kUnsupported, {"mamba", "llama", "qwen2", "qwen3", "gemma3"});
}

TEST(Load, HyperParametersOutOfRange) {
  const auto set = [](const char* key, auto value) { return [=](GgufWriter& w) { w.remove(key).add(key, value); }; };
  expect_refused({}, set("llama.block_count", std::uint32_t{0}), ErrorKind::kFormat, {"llama.block_count", "0"});
  expect_refused({}, set("llama.block_count", std::uint32_t{3}), ErrorKind::kFormat, {"blk.2."});
  expect_refused({}, set("llama.block_count", std::uint32_t{4000000000}), ErrorKind::kFormat,
                 {"llama.block_count", "4000000000"});
  expect_refused({}, set("llama.attention.head_count", std::uint32_t{3}), ErrorKind::kFormat, {"head_count"});
  expect_refused({}, set("llama.attention.key_length", std::uint32_t{24}), ErrorKind::kUnsupported,
                 {"key_length", "24", "16"});
  expect_refused({}, set("llama.embedding_length", std::uint32_t{128}), ErrorKind::kFormat, {"[64, ", "128"});
  expect_refused({}, set("llama.feed_forward_length", std::uint32_t{64}), ErrorKind::kFormat, {"ffn_"});
  expect_refused({}, set("llama.attention.layer_norm_rms_epsilon", 0.0F), ErrorKind::kFormat, {"epsilon"});
  expect_refused({}, set("llama.attention.layer_norm_rms_epsilon", std::nanf("")), ErrorKind::kFormat, {"epsilon"});
  expect_refused({}, set("llama.rope.freq_base", -1.0F), ErrorKind::kFormat, {"freq_base", "-1"});
  expect_refused({}, set("llama.rope.dimension_count", std::uint32_t{15}), ErrorKind::kFormat,
                 {"dimension_count", "15"});
  expect_refused({}, set("llama.rope.dimension_count", std::uint32_t{32}), ErrorKind::kFormat,
                 {"dimension_count", "32"});
  expect_refused({}, set("llama.rope.scaling.type", "dynamic"), ErrorKind::kUnsupported, {"dynamic", "yarn"});
  expect_refused({}, set("llama.rope.scaling.type", "longrope"), ErrorKind::kFormat, {"rope_factors_long.weight"});
  expect_refused({}, set("llama.expert_count", std::uint32_t{8}), ErrorKind::kFormat,
                 {"expert_count is 8", "ffn_gate_inp"});
  TinyModelSpec qwen2;
  qwen2.architecture = "qwen2";
  expect_refused(qwen2, set("qwen2.expert_count", std::uint32_t{8}), ErrorKind::kUnsupported, {"expert_count is 8"});
  expect_refused({}, set("llama.attention.causal", false), ErrorKind::kUnsupported,
                 {"llama.attention.causal is false"});
  expect_refused({}, set("llama.block_count", "two"), ErrorKind::kFormat, {"llama.block_count"});
}

TEST(Load, MissingFile) {
  try {
    Model::load("/nonexistent/model.gguf");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kIo);
    EXPECT_NE(std::string(e.what()).find("/nonexistent/model.gguf"), std::string::npos);
  }
}

}  // namespace
}  // namespace pith
