#include <gtest/gtest.h>
#include <pith/pith.h>

#include <cstring>
#include <string>
#include <vector>

#include "support/tiny_model.h"

// Weights that are finite, and yet so large that whatever is computed with them is NaN: caches, policies and choices of
// pages get NaN to hold, sort and count, and the session ends in Error(kNumeric) and nothing else.
namespace pith::test {
namespace {

Model load_huge(const TempDir& folder, const char* tensor) {
  GgufWriter writer = tiny_model_writer({.sliding_window = 0});
  for (GgufWriter::Tensor& t : writer.tensors) {
    if (t.name != tensor) continue;
    for (std::size_t at = 0; at < t.data.size(); at += sizeof(float)) {
      const float huge = at % 8 == 0 ? 3e38F : -3e38F;
      std::memcpy(&t.data[at], &huge, sizeof huge);
    }
  }
  writer.write(folder / "m.gguf");
  return Model::load(folder / "m.gguf");
}

void expect_numeric(const Model& model, const SessionOptions& options) {
  try {
    Session session(model, options);
    session.feed(std::vector<Token>(700, 5));
    for (int i = 0; i < 20; ++i) session.feed(std::vector<Token>{7});
    session.generate("and", {.tokens_max = 10});
    ADD_FAILURE() << "logits are finite";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kNumeric) << error.what();
    EXPECT_NE(std::string(error.what()).find("logit"), std::string::npos) << error.what();
  }
}

TEST(HugeWeights, EndInNumericErrorsWithEveryCodec) {
  const TempDir folder;
  for (const char* tensor :
       {"token_embd.weight", "blk.0.attn_k.weight", "blk.0.attn_v.weight", "blk.0.attn_q.weight"}) {
    const Model model = load_huge(folder, tensor);
    for (const std::string& codec : builtin_codecs()) expect_numeric(model, {.kv = {.key = codec}});
    expect_numeric(model, {.kv = {.key = "int4", .read_share = 0.1, .read_pages_min = 1}});
  }
}

TEST(HugeWeights, EndInNumericErrorsWithEveryPolicy) {
  const TempDir folder;
  for (const char* tensor : {"blk.0.attn_k.weight", "blk.0.attn_q.weight", "blk.0.attn_v.weight"}) {
    const Model model = load_huge(folder, tensor);
    for (const std::string& policy : builtin_policies()) {
      for (const std::string& selector : builtin_selectors()) {
        SessionOptions options{.kv = {.key = "int4"}};
        options.eviction.policy = policy;
        options.eviction.selector = selector;
        options.eviction.budget_tokens = 256;
        expect_numeric(model, options);
      }
    }
  }
}

}  // namespace
}  // namespace pith::test
