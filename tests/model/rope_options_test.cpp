#include <gtest/gtest.h>
#include <pith/pith.h>

#include <cmath>
#include <string>
#include <vector>

#include "support/session_inputs.h"
#include "support/tiny_model.h"

// What the caller says of RoPE in place of the file: the model is then the one whose file says so.
namespace pith::test {
namespace {

class RopeOfTheCaller : public testing::Test {
 protected:
  Model load(const TinyModelSpec& spec, const RopeOptions& rope = {}, float base = 0.0F) const {
    GgufWriter writer = tiny_model_writer(spec);
    const std::string key = spec.architecture + ".rope.freq_base";
    if (base != 0.0F) writer.remove(key).add(key, base);
    writer.write(folder_ / "m.gguf");
    return Model::load(folder_ / "m.gguf", {.threads = 1, .rope = rope});
  }

  static std::vector<float> logits(const Model& model) {
    Session session(model, {.kv = {"f32"}});
    session.feed(random_tokens(model, 200, 1));
    return logits_of(session);
  }

  static TinyModelSpec with(TinyRope rope) {
    TinyModelSpec spec;
    spec.head_size = 32;
    spec.rope = rope;
    return spec;
  }

  const TempDir folder_;
};

TEST_F(RopeOfTheCaller, IsWhatAFileWouldSay) {
  const TinyModelSpec plain = with(TinyRope::kPlain);
  EXPECT_EQ(logits(load(plain, {.stretch = RopeStretch::kLinear, .factor = 4.0})),
            logits(load(with(TinyRope::kLinear))));
  TinyModelSpec yarn = with(TinyRope::kYarn);
  yarn.rope_context = yarn.context;
  EXPECT_EQ(logits(load(plain, {.stretch = RopeStretch::kYarn, .factor = 4.0})), logits(load(yarn)));
  EXPECT_EQ(logits(load(plain, {.base = 7000.0})), logits(load(plain, {}, 7000.0F)));
  EXPECT_EQ(logits(load(with(TinyRope::kLinear), {.stretch = RopeStretch::kNone})), logits(load(plain)));
}

TEST_F(RopeOfTheCaller, NtkGrowsTheBase) {
  const TinyModelSpec plain = with(TinyRope::kPlain);
  const double base = 500000.0 * std::pow(4.0, 32.0 / 30.0);
  EXPECT_EQ(logits(load(plain, {.stretch = RopeStretch::kNtk, .factor = 4.0})), logits(load(plain, {.base = base})));
}

TEST_F(RopeOfTheCaller, ChoosesBetweenShortAndLongFactors) {
  TinyModelSpec spec = with(TinyRope::kLong);
  spec.architecture = "phi3";
  TinyModelSpec brief = spec;
  brief.rope_context = brief.context;
  EXPECT_EQ(logits(load(spec, {.context = 1024})), logits(load(brief)));
  EXPECT_EQ(logits(load(spec, {.context = 1025})), logits(load(spec)));
  EXPECT_NE(logits(load(spec, {.context = 1024})), logits(load(spec)));
}

TEST_F(RopeOfTheCaller, IsPartOfWhatASnapshotBelongsTo) {
  const Model plain = load(with(TinyRope::kPlain));
  const Model stretched = load(with(TinyRope::kPlain), {.stretch = RopeStretch::kLinear, .factor = 2.0});
  Session session(plain);
  session.feed(random_tokens(plain, 100, 1));
  const auto path = folder_ / "s.pith";
  session.save(path);
  EXPECT_THROW(Session::restore(stretched, path), Error);
}

TEST_F(RopeOfTheCaller, RefusesWhatMakesNoSense) {
  const auto kind = [&](const RopeOptions& options, const TinyModelSpec& spec) {
    try {
      load(spec, options);
    } catch (const Error& error) {
      return error.kind();
    }
    return ErrorKind::kInternal;
  };
  const TinyModelSpec plain = with(TinyRope::kPlain);
  EXPECT_EQ(kind({.factor = 2.0}, plain), ErrorKind::kInvalidArgument);
  EXPECT_EQ(kind({.stretch = RopeStretch::kLinear, .factor = 0.0}, plain), ErrorKind::kInvalidArgument);
  EXPECT_EQ(kind({.stretch = RopeStretch::kLinear, .factor = std::nan("")}, plain), ErrorKind::kInvalidArgument);
  EXPECT_EQ(kind({.base = 0.5}, plain), ErrorKind::kInvalidArgument);
  EXPECT_EQ(kind({.base = -1.0}, plain), ErrorKind::kInvalidArgument);
  EXPECT_EQ(kind({.context = -1}, plain), ErrorKind::kInvalidArgument);
  TinyModelSpec spec = with(TinyRope::kLong);
  spec.architecture = "phi3";
  EXPECT_EQ(kind({.stretch = RopeStretch::kYarn, .factor = 2.0}, spec), ErrorKind::kInvalidArgument);
}

}  // namespace
}  // namespace pith::test
