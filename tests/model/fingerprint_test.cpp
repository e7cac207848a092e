#include "model/fingerprint.h"

#include <gtest/gtest.h>
#include <pith/pith.h>

#include <functional>
#include <utility>
#include <vector>

#include "model/model_impl.h"
#include "support/tiny_model.h"

namespace pith::model {
namespace {

class FingerprintTest : public testing::Test {
 protected:
  Fingerprint after(const std::function<void(ModelSpec&)>& change) const {
    ModelSpec spec = impl().spec();
    change(spec);
    return fingerprint(spec, impl().tokenizer(), impl().weights());
  }
  const ModelImpl& impl() const { return *model_.impl(); }

  test::TempDir folder_;
  Model model_ =
      Model::load(test::write_tiny_model({.architecture = "gemma3", .layers = 3, .sliding_window = 32}, folder_));
};

// What is not about positions changes the model's digest alone, what is about them that of positions alone.
TEST_F(FingerprintTest, EveryKindOfFieldCounts) {
  const Fingerprint own = impl().fingerprint();
  using Change = std::function<void(ModelSpec&)>;
  const std::vector<Change> of_model = {
      [](ModelSpec& s) { s.architecture += "x"; },
      [](ModelSpec& s) { s.embedding_scale += 1.0F; },
      [](ModelSpec& s) { s.logit_scale = 0.5F; },
      [](ModelSpec& s) { s.output_norm.epsilon = 0.5F; },
      [](ModelSpec& s) { s.layers[2].residual = Residual::kParallel; },
      [](ModelSpec& s) { s.layers[1].attention.scale = 0.5F; },
      [](ModelSpec& s) { s.layers[1].attention.softcap = 50.0F; },
      [](ModelSpec& s) { s.layers[2].attention.sink_logits = true; },
      [](ModelSpec& s) { s.layers[1].feed_forward.gated = false; },
      [](ModelSpec& s) { s.layers[2].feed_forward_post_norm.kind = NormKind::kNone; },
      [](ModelSpec& s) { s.layers[2].attention_norm.bias = true; },
  };
  for (const Change& change : of_model) {
    EXPECT_NE(after(change).model, own.model) << &change - of_model.data();
    EXPECT_EQ(after(change).positions, own.positions) << &change - of_model.data();
  }
  const std::vector<Change> of_positions = {
      [](ModelSpec& s) { s.layers[0].attention.window = 33; },
      [](ModelSpec& s) { s.layers[0].attention.rope = 0; },
      [](ModelSpec& s) { s.ropes[1].base = 7.0; },
      [](ModelSpec& s) { s.ropes[0].pairs = RopePairs::kInterleaved; },
  };
  for (const Change& change : of_positions) {
    EXPECT_EQ(after(change).model, own.model) << &change - of_positions.data();
    EXPECT_NE(after(change).positions, own.positions) << &change - of_positions.data();
  }
}

// Snapshots name the digest, so it must not change for models that could be loaded when version 3 of them came.
TEST_F(FingerprintTest, IsThatOfTheFirstSnapshotsOfVersion3) {
  ModelSpec spec;
  spec.architecture = "made up";
  spec.ropes.resize(2);
  spec.layers.resize(2);
  spec.layers[1].attention.window = 512;
  ModelWeights weights;
  weights.layers.resize(2);
  weights.layers[1].attention.query_bias = {1.0F, -2.0F};
  const Fingerprint made_up = fingerprint(spec, impl().tokenizer(), weights);
  EXPECT_EQ(io::to_hex(made_up.model), "b61a7af83e4dbf9731a79ad507d180cb348de81e2d9071aec5dc66f549ef7c44");
  EXPECT_EQ(io::to_hex(made_up.positions), "322404109f27a3de293ac47b96bde15e0b43a2c306f4f4407fe40bc7baee3eb1");
  weights.layers[0].attention.sink_logits = {1.0F};
  EXPECT_NE(fingerprint(spec, impl().tokenizer(), weights).model, made_up.model);
}

TEST_F(FingerprintTest, IsThatOfTheFileNotOfTheLoad) {
  const Model again = Model::load(folder_ / "tiny.gguf");
  EXPECT_EQ(again.impl()->fingerprint().model, impl().fingerprint().model);
  EXPECT_NE(impl().first_fingerprint().model, impl().fingerprint().model);
}

}  // namespace
}  // namespace pith::model
