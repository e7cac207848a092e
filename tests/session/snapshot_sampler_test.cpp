#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pith/pith.h>

#include <memory>
#include <string>
#include <vector>

#include "support/refusal.h"
#include "support/session_inputs.h"
#include "support/tiny_model.h"

// The sampler in snapshots: its options, the states of its stages, files of version 1.
namespace pith::test {
namespace {

/// A stage of a program's own, which nobody could make again.
class Nothing final : public SamplerStage {
 public:
  std::string_view name() const override { return "nothing"; }
  std::unique_ptr<SamplerStage> clone() const override { return std::make_unique<Nothing>(*this); }
  void apply(Candidates&, const SamplingContext&) override {}
};

std::vector<Token> drawn_from(Session& session, int count) {
  std::vector<Token> drawn;
  drawn.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) drawn.push_back(session.sample());
  return drawn;
}

class SavedSampler : public testing::Test {
 protected:
  const TempDir folder_;
  const std::filesystem::path path_ = folder_ / "session.pith";
  const Model model_ = Model::load(write_tiny_model({.tied_output = false}, folder_));
};

SamplingOptions many_options() {
  SamplingOptions sampling{.temperature = 5.0F, .seed = 8};
  sampling.typical_p = 0.98F;
  sampling.xtc_probability = 0.25F;
  sampling.xtc_threshold = 0.01F;
  sampling.dry_multiplier = 0.5F;
  sampling.dry_base = 1.5F;
  sampling.dry_allowed_length = 1;
  sampling.dry_window = 100;
  sampling.dry_breakers = {{3}, {4, 5}};
  sampling.mirostat_tau = 4.0F;
  sampling.mirostat_eta = 0.2F;
  sampling.no_repeat_ngram = 3;
  return sampling;
}

TEST_F(SavedSampler, OptionsAndStatesGoOn) {
  Session session(model_, {.context = 512, .threads = 1});
  session.feed(random_tokens(model_, 30, 1));
  session.set_sampling(many_options());
  for (int i = 0; i < 20; ++i) session.step();
  session.save(path_);
  Session fork = session.fork();
  Session restored = Session::restore(model_, path_, {.threads = 1});
  const SamplingOptions read = snapshot_info(path_).sampling;
  EXPECT_EQ(read.typical_p, 0.98F);
  EXPECT_EQ(read.xtc_probability, 0.25F);
  EXPECT_EQ(read.xtc_threshold, 0.01F);
  EXPECT_EQ(read.dry_multiplier, 0.5F);
  EXPECT_EQ(read.dry_base, 1.5F);
  EXPECT_EQ(read.dry_allowed_length, 1);
  EXPECT_EQ(read.dry_window, 100);
  EXPECT_EQ(read.dry_breakers, many_options().dry_breakers);
  EXPECT_EQ(read.mirostat_tau, 4.0F);
  EXPECT_EQ(read.mirostat_eta, 0.2F);
  EXPECT_EQ(read.no_repeat_ngram, 3);
  for (int i = 0; i < 60; ++i) {
    const Token token = session.step();
    ASSERT_EQ(restored.step(), token);
    ASSERT_EQ(fork.step(), token);
  }
}

TEST_F(SavedSampler, MirostatsStateMatters) {
  // A sampler that begins anew with the same generator draws something else: else the test above would show nothing.
  SamplingOptions sampling{.temperature = 5.0F, .seed = 8};
  sampling.mirostat_tau = 1.0F;
  sampling.mirostat_eta = 0.5F;
  Sampler sampler(sampling, model_.tokenizer().vocab_size());
  Session session(model_, {.context = 512, .threads = 1});
  session.feed(random_tokens(model_, 30, 1));
  const std::vector<float> logits(session.logits().begin(), session.logits().begin() + model_.tokenizer().vocab_size());
  for (int i = 0; i < 3; ++i) sampler.sample(logits, {});
  Sampler anew(sampling, model_.tokenizer().vocab_size());
  anew.set_rng_state(sampler.rng_state());
  EXPECT_NE(anew.stage_states()[0].bytes, sampler.stage_states()[0].bytes);
}

TEST_F(SavedSampler, OwnStagesAreRefused) {
  Session session(model_, {.context = 512, .threads = 1});
  session.feed(random_tokens(model_, 3, 1));
  SamplingOptions sampling;
  sampling.stages = {std::make_shared<Nothing>()};
  session.set_sampling(sampling);
  expect_error(ErrorKind::kUnsupported, "\"nothing\"", [&] { session.save(path_); });
  EXPECT_FALSE(std::filesystem::exists(path_));
  session.set_sampling({});
  session.save(path_);
}

TEST_F(SavedSampler, VersionOneIsRead) {
  // Written before there were stages, by this program:
  //   Session session(model, {.kv = {.key = "int8"}, .context = 512, .threads = 1});
  //   session.feed(random_tokens(model, 20, 1));
  //   session.set_sampling({.temperature = 5, .top_k = 50, .top_p = 0.95, .repetition_penalty = 1.1,
  //                         .logit_bias = {{7, 1}}, .seed = 3});
  //   session.step(); session.step(); session.save(path);
  // What it drew then from the logits that it saved:
  const std::vector<Token> expected = {225, 16, 111, 240, 225, 47,  140, 100, 134, 203,
                                       96,  25, 203, 251, 251, 251, 92,  47,  116, 6};
  const std::filesystem::path old = data_dir() / "snapshot" / "version1.pith";
  verify_snapshot(old);
  const SnapshotInfo info = snapshot_info(old);
  EXPECT_EQ(info.version, 1);
  EXPECT_EQ(info.sampling.top_k, 50);
  EXPECT_EQ(info.sampling.typical_p, 1.0F);
  EXPECT_EQ(info.sampling.dry_base, 1.75F);
  EXPECT_EQ(info.sampling.mirostat_tau, 0.0F);
  Session session = Session::restore(model_, old, {.threads = 1});
  EXPECT_EQ(session.position(), 22);
  EXPECT_EQ(drawn_from(session, 20), expected);
  // What is saved now is of this version.
  session.save(path_);
  EXPECT_EQ(snapshot_info(path_).version, 3);
  Session again = Session::restore(model_, path_, {.threads = 1});
  EXPECT_EQ(drawn_from(again, 5), drawn_from(session, 5));
}

}  // namespace
}  // namespace pith::test
