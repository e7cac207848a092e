#include "model/bind.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pith/error.h>

#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "model/read_spec.h"
#include "support/tiny_model.h"

namespace pith::model {
namespace {

using Edit = std::function<void(test::GgufWriter&)>;

/// A file of two layers of four query heads, and the spec that it states.
class SinkLogits : public testing::Test {
 protected:
  static constexpr const char* kTensor = "blk.1.attn_sinks.weight";

  gguf::File open(const Edit& edit) const {
    test::GgufWriter writer = test::tiny_model_writer({});
    edit(writer);
    writer.write(folder_ / "tiny.gguf");
    return gguf::File::open(folder_ / "tiny.gguf");
  }

  /// Returns the message of the error that binding ends in; empty if it succeeds.
  static std::string refusal(const gguf::File& file, const ModelSpec& spec) {
    ThreadPool pool(1);
    try {
      bind_weights(file, spec, {}, pool);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }

  static ModelSpec with_sinks(const gguf::File& file) {
    ModelSpec spec = read_spec(file);
    spec.layers[1].attention.sink_logits = true;
    return spec;
  }

 private:
  test::TempDir folder_;
};

TEST_F(SinkLogits, AreBoundWhereTheSpecImpliesThem) {
  const std::vector<float> logits = {0.5F, -1.0F, 2.0F, 0.0F};
  const gguf::File file = open([&](test::GgufWriter& w) { w.add_tensor(kTensor, {4}, logits); });
  ThreadPool pool(1);
  const ModelWeights weights = bind_weights(file, with_sinks(file), {}, pool);
  EXPECT_TRUE(weights.layers[0].attention.sink_logits.empty());
  EXPECT_EQ(weights.layers[1].attention.sink_logits, logits);
  EXPECT_EQ(outline_weights(file, with_sinks(file), {}).layers[1].attention.sink_logits.size(), 4U);
}

TEST_F(SinkLogits, AreOnePerQueryHead) {
  const gguf::File file = open([](test::GgufWriter& w) { w.add_tensor(kTensor, {2}, std::vector<float>{1.0F, 2.0F}); });
  const std::string message = refusal(file, with_sinks(file));
  EXPECT_THAT(message, testing::HasSubstr(kTensor));
  EXPECT_THAT(message, testing::HasSubstr("is [2], the hyper-parameters want [4, 1]"));
}

TEST_F(SinkLogits, MustBeThereIfTheSpecImpliesThem) {
  const gguf::File file = open([](test::GgufWriter&) {});
  EXPECT_THAT(refusal(file, with_sinks(file)), testing::HasSubstr(kTensor));
}

TEST_F(SinkLogits, AreRefusedIfTheSpecDoesNotImplyThem) {
  const gguf::File file = open([](test::GgufWriter& w) { w.add_tensor(kTensor, {4}, std::vector<float>(4)); });
  const std::string message = refusal(file, read_spec(file));
  EXPECT_THAT(message, testing::HasSubstr(kTensor));
  EXPECT_THAT(message, testing::HasSubstr("is no part of a llama model"));
}

TEST_F(SinkLogits, AreFinite) {
  const gguf::File file = open([](test::GgufWriter& w) {
    w.add_tensor(kTensor, {4}, std::vector<float>{0.0F, 0.0F, -std::numeric_limits<float>::infinity(), 0.0F});
  });
  EXPECT_THAT(refusal(file, with_sinks(file)), testing::HasSubstr("column 2"));
}

}  // namespace
}  // namespace pith::model
