#include <gtest/gtest.h>
#include <pith/pith.h>

#include <cstring>
#include <string>
#include <vector>

#include "support/tiny_model.h"

// Weights that are finite, and yet so large that what is computed with them is NaN: caches, policies and choices of
// pages get NaN to hold, sort and count, and the session ends in Error(kNumeric), unless a norm makes zeros of it all.
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

/// Whether it ended in an error.
bool ends_in_numeric_error(const Model& model, const SessionOptions& options) {
  try {
    Session session(model, options);
    // Pages of every age.
    session.feed(std::vector<Token>(PITH_SANITIZED != 0 ? 400 : 700, 5));
    for (int i = 0; i < 20; ++i) session.feed(std::vector<Token>{7});
    session.generate("and", {.tokens_max = 10});
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kNumeric) << error.what();
    EXPECT_NE(std::string(error.what()).find("logit"), std::string::npos) << error.what();
    return true;
  }
  return false;
}

TEST(HugeWeights, EndInNumbersOrNumericErrorsWithEveryCodec) {
  const TempDir folder;
  int errors = 0;
  for (const char* tensor :
       {"token_embd.weight", "blk.0.attn_k.weight", "blk.0.attn_v.weight", "blk.0.attn_q.weight"}) {
    const Model model = load_huge(folder, tensor);
    const auto count = [&](const KvOptions& kv) { errors += ends_in_numeric_error(model, {.kv = kv}) ? 1 : 0; };
    for (const std::string& codec : builtin_codecs()) count({.key = codec});
    count({.key = "int4", .read_share = 0.1, .read_pages_min = 1});
  }
  EXPECT_GT(errors, 0);
}

TEST(HugeWeights, EndInNumbersOrNumericErrorsWithEveryPolicy) {
  const TempDir folder;
  int errors = 0;
  for (const char* tensor : {"blk.0.attn_k.weight", "blk.0.attn_q.weight", "blk.0.attn_v.weight"}) {
    const Model model = load_huge(folder, tensor);
    for (const std::string& policy : builtin_policies()) {
      // Works by compact() alone.
      if (policy == "kvzip") continue;
      for (const std::string& selector : builtin_selectors()) {
        SessionOptions options{.kv = {.key = "int4"}};
        options.eviction.policy = policy;
        options.eviction.selector = selector;
        options.eviction.budget_tokens = 256;
        errors += ends_in_numeric_error(model, options) ? 1 : 0;
      }
    }
  }
  EXPECT_GT(errors, 0);
}

}  // namespace
}  // namespace pith::test
