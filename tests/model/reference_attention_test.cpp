#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "model/reference_forward.h"
#include "model/reference_variants.h"

// The oracle's soft cap of scores and its sinks, on models whose logits are known to be those of another model.
namespace pith::test {
namespace {

constexpr std::size_t kLayers = 2;
constexpr std::size_t kHeads = 4;

/// Multiplies a matrix of every layer, which is stored in F32.
Edit scaled(const std::string& part, float factor) {
  return [=](GgufWriter& writer) {
    for (GgufWriter::Tensor& tensor : writer.tensors) {
      if (tensor.name.find(part) == std::string::npos) continue;
      std::vector<float> values(tensor.data.size() / sizeof(float));
      std::memcpy(values.data(), tensor.data.data(), tensor.data.size());
      for (float& value : values) value *= factor;
      std::memcpy(tensor.data.data(), values.data(), tensor.data.size());
    }
  };
}

/// Gives every layer a sink of this logit.
Edit sinks(float logit) {
  return [=](GgufWriter& writer) {
    for (std::size_t layer = 0; layer < kLayers; ++layer) {
      writer.add_tensor("blk." + std::to_string(layer) + ".attn_sinks.weight", {kHeads},
                        std::vector<float>(kHeads, logit));
    }
  };
}

class ReferenceAttention : public testing::Test {
 protected:
  using Logits = std::vector<std::vector<double>>;

  Logits logits(const std::vector<Edit>& edits, double softcap = 0.0) const {
    Variant variant;
    variant.edits = edits;
    const gguf::File file = gguf::File::open(write_variant(variant, folder_ / "tiny.gguf"));
    ReferenceSpec spec = read_reference_spec(file);
    spec.attention_softcap = softcap;
    return reference_logits(file, spec, kTokens);
  }

  /// Returns the largest difference of a logit after any of the first `tokens` tokens.
  static double distance(const Logits& a, const Logits& b, std::size_t tokens = kTokens.size()) {
    double largest = 0;
    for (std::size_t t = 0; t < tokens; ++t) {
      for (std::size_t i = 0; i < a[t].size(); ++i) largest = std::max(largest, std::abs(a[t][i] - b[t].at(i)));
    }
    return largest;
  }

  static inline const std::vector<Token> kTokens = {5, 9, 2, 7, 7, 30};
  TempDir folder_;
};

TEST_F(ReferenceAttention, AHighCapIsNone) {
  EXPECT_LT(distance(logits({}, 1e6), logits({})), 1e-9);
  EXPECT_GT(distance(logits({}, 0.5), logits({})), 1e-3);
}

TEST_F(ReferenceAttention, UnderALowCapAllScoresAreTheSame) {
  EXPECT_LT(distance(logits({}, 1e-12), logits({scaled("attn_q.weight", 0.0F)})), 1e-9);
}

TEST_F(ReferenceAttention, TheCapIsReadFromTheFile) {
  const Edit key = [](GgufWriter& writer) { writer.add("llama.attn_logit_softcapping", 0.5F); };
  Variant variant;
  variant.edits = {key};
  const gguf::File file = gguf::File::open(write_variant(variant, folder_ / "capped.gguf"));
  EXPECT_EQ(read_reference_spec(file).attention_softcap, 0.5);
}

TEST_F(ReferenceAttention, ALowSinkTakesNothing) {
  EXPECT_EQ(distance(logits({sinks(-1e4F)}), logits({})), 0.0);
  EXPECT_GT(distance(logits({sinks(0.0F)}), logits({})), 1e-3);
}

TEST_F(ReferenceAttention, AHighSinkTakesEverything) {
  EXPECT_LT(distance(logits({sinks(1e4F)}), logits({scaled("attn_v.weight", 0.0F)})), 1e-9);
}

TEST_F(ReferenceAttention, ASinkOfTheSameLogitTakesHalfOfTheFirstToken) {
  const Edit no_scores = scaled("attn_q.weight", 0.0F);
  const Logits halved = logits({no_scores, scaled("attn_v.weight", 0.5F)});
  EXPECT_LT(distance(logits({no_scores, sinks(0.0F)}), halved, 1), 1e-9);
  EXPECT_GT(distance(logits({no_scores, sinks(0.0F)}), halved), 1e-3) << "of two tokens it takes a third";
}

}  // namespace
}  // namespace pith::test
