#include <gtest/gtest.h>
#include <pith/pith.h>
#include <pith/plan.h>

#include <algorithm>

#include "support/tiny_model.h"

namespace pith::test {
namespace {

/// Field by field, so that a new one that is forgotten shows by its name.
void expect_same(const ModelInfo& outline, const ModelInfo& loaded) {
  EXPECT_EQ(outline.name, loaded.name);
  EXPECT_EQ(outline.architecture, loaded.architecture);
  EXPECT_EQ(outline.weight_type, loaded.weight_type);
  EXPECT_EQ(outline.parameters, loaded.parameters);
  EXPECT_EQ(outline.weight_bytes, loaded.weight_bytes);
  EXPECT_EQ(outline.token_weight_bytes, loaded.token_weight_bytes);
  EXPECT_EQ(outline.layer_parameters, loaded.layer_parameters);
  EXPECT_EQ(outline.output_parameters, loaded.output_parameters);
  EXPECT_EQ(outline.layers, loaded.layers);
  EXPECT_EQ(outline.heads, loaded.heads);
  EXPECT_EQ(outline.kv_heads, loaded.kv_heads);
  EXPECT_EQ(outline.head_size, loaded.head_size);
  EXPECT_EQ(outline.vocab, loaded.vocab);
  EXPECT_EQ(outline.context_trained, loaded.context_trained);
  EXPECT_EQ(outline.sliding_window, loaded.sliding_window);
}

TEST(ModelOutline, SaysWhatTheLoadedModelSays) {
  const TempDir folder;
  for (const char* architecture : {"llama", "qwen2", "qwen3", "gemma3"}) {
    for (const bool tied : {true, false}) {
      for (const Arithmetic arithmetic : {Arithmetic::kFast, Arithmetic::kF32}) {
        SCOPED_TRACE(architecture);
        TinyModelSpec spec;
        spec.architecture = architecture;
        spec.weight_type = gguf::TensorType::kQ8_0;
        spec.tied_output = tied;
        const auto path = write_tiny_model(spec, folder);
        const ModelOptions options{.arithmetic = arithmetic};
        const ModelOutline outline = ModelOutline::read(path, options);
        const Model model = Model::load(path, options);
        expect_same(outline.info(), model.info());
        EXPECT_EQ(outline.file_bytes(), std::filesystem::file_size(path));
        for (const int tokens : {0, 1, 63, 64, 1000}) {
          EXPECT_EQ(outline.predict_kv({.key = "int4"}, tokens).bytes,
                    predict_kv(model, {.key = "int4"}, tokens).bytes);
        }
        const SessionOptions session{.kv = {.key = "int8"}};
        EXPECT_EQ(outline.predict_memory(session, 300, 3).total(), predict_memory(model, session, 300, 3).total());
      }
    }
  }
}

TEST(ModelOutline, RefusesWhatALoadRefuses) {
  const TempDir folder;
  EXPECT_THROW(ModelOutline::read(folder / "missing.gguf"), Error);
  GgufWriter writer = tiny_model_writer();
  writer.tensors.pop_back();
  const auto path = folder / "incomplete.gguf";
  writer.write(path);
  const auto message = [&](auto read) {
    try {
      read();
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  EXPECT_EQ(message([&] { ModelOutline::read(path); }), message([&] { Model::load(path); }));
}

class PredictMemory : public testing::Test {
 protected:
  static Model load() {
    const TempDir folder;
    return Model::load(write_tiny_model({}, folder));
  }
  const Model model_ = load();
};

TEST_F(PredictMemory, IsTheSumOfItsParts) {
  const SessionOptions options{.kv = {.key = "int4"}};
  const MemoryPlan plan = predict_memory(model_, options, 640);
  EXPECT_EQ(plan.weight_bytes, model_.info().weight_bytes);
  EXPECT_EQ(plan.total(), plan.weight_bytes + plan.kv_bytes + plan.scratch_bytes + plan.process_bytes);
  EXPECT_GT(plan.scratch_bytes, 0U);
  EXPECT_GT(plan.process_bytes, std::uint64_t{8} << 20);
}

TEST_F(PredictMemory, CountsSessionsThatShareWeightsAndScratch) {
  const SessionOptions options{.kv = {.key = "int4"}};
  const MemoryPlan one = predict_memory(model_, options, 640);
  const MemoryPlan five = predict_memory(model_, options, 640, 5);
  EXPECT_EQ(five.kv_bytes, 5 * one.kv_bytes);
  // Each keeps the logits that came of its own feed.
  const std::uint64_t logits = static_cast<std::uint64_t>(model_.info().vocab) * sizeof(float);
  EXPECT_EQ(five.scratch_bytes, one.scratch_bytes + 4 * logits);
  EXPECT_EQ(five.weight_bytes, one.weight_bytes);
  EXPECT_EQ(five.process_bytes, one.process_bytes);
}

TEST_F(PredictMemory, SmallerBatchesTakeLessScratch) {
  const SessionOptions large;
  const SessionOptions small{.batch_tokens = 16};
  EXPECT_LT(predict_memory(model_, small, 64).scratch_bytes, predict_memory(model_, large, 64).scratch_bytes);
}

/// No state on the way there holds more.
TEST_F(PredictMemory, CoversEveryTokenOnTheWay) {
  for (const char* codec : {"f16", "int8", "int4", "int2"}) {
    const SessionOptions options{.kv = {.key = codec}};
    Session session(model_, options);
    std::uint64_t most = 0;
    for (int tokens = 1; tokens <= 200; ++tokens) {
      const Token token = 5 + tokens % 50;
      session.feed(std::span(&token, 1));
      most = std::max(most, session.kv_stats().bytes);
      EXPECT_GE(predict_memory(model_, options, tokens).kv_bytes, session.kv_stats().bytes) << codec << ' ' << tokens;
    }
    EXPECT_LE(most, predict_memory(model_, options, 200).kv_bytes) << codec;
  }
}

TEST_F(PredictMemory, RefusesWhatMakesNoSense) {
  EXPECT_THROW(predict_memory(model_, {}, -1), Error);
  EXPECT_THROW(predict_memory(model_, {}, 1, 0), Error);
  EXPECT_THROW(predict_memory(model_, {.kv = {.key = "int5"}}, 1), Error);
  EXPECT_THROW(predict_memory(model_, {.batch_tokens = 0}, 1), Error);
}

}  // namespace
}  // namespace pith::test
