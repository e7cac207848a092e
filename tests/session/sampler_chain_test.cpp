#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pith/error.h>

#include <functional>
#include <memory>
#include <set>
#include <string>

#include "session/sampler_inputs.h"
#include "support/refusal.h"

// Stages together: their order, stages of a program's own, copies, states, options out of range.
namespace pith::test {
namespace {

using testing::HasSubstr;

/// Writes down what it is called with, and does what it is told.
class Probe final : public SamplerStage {
 public:
  struct Log {
    std::vector<std::size_t> sizes;
    std::vector<double> temperatures;
    std::vector<float> logits_of_zero;
    Tokens accepted;
  };

  explicit Probe(std::shared_ptr<Log> log, std::function<void(Candidates&, const SamplingContext&)> act = {})
      : log_(std::move(log)), act_(std::move(act)) {}
  std::string_view name() const override { return "probe"; }
  std::unique_ptr<SamplerStage> clone() const override { return std::make_unique<Probe>(*this); }
  void apply(Candidates& candidates, const SamplingContext& context) override {
    log_->sizes.push_back(candidates.size());
    log_->temperatures.push_back(candidates.temperature());
    log_->logits_of_zero.push_back(candidates.logit(0));
    if (act_) act_(candidates, context);
  }
  void accept(const Candidate& drawn) override { log_->accepted.push_back(drawn.token); }

 private:
  std::shared_ptr<Log> log_;
  std::function<void(Candidates&, const SamplingContext&)> act_;
};

Logits falling(std::size_t count) {
  Logits logits(count);
  for (std::size_t i = 0; i < count; ++i) logits[i] = -0.01F * static_cast<float>(i);
  return logits;
}

TEST(Chain, OwnStagesRunAfterPenaltiesAndBeforeTheTemperature) {
  const auto log = std::make_shared<Probe::Log>();
  SamplingOptions options{.temperature = 0.5F, .top_k = 3, .presence_penalty = 2.0F, .logit_bias = {{0, 1.0F}}};
  options.stages = {std::make_shared<Probe>(log)};
  Sampler sampler(options, 50);
  const Token drawn = sampler.sample(falling(50), Tokens{0});
  EXPECT_EQ(log->sizes, std::vector<std::size_t>{50});
  EXPECT_EQ(log->temperatures, std::vector<double>{1.0});
  EXPECT_EQ(log->logits_of_zero, std::vector<float>{-1.0F});
  EXPECT_EQ(log->accepted, Tokens{drawn});
}

TEST(Chain, GreedySamplersTellTheirStagesToo) {
  const auto log = std::make_shared<Probe::Log>();
  SamplingOptions options;
  options.stages = {std::make_shared<Probe>(log, [](Candidates& candidates, const SamplingContext&) {
    candidates.transform([](Token token, float logit) { return token % 2 == 0 ? kBanned : logit; });
  })};
  Sampler sampler(options, 10);
  EXPECT_EQ(sampler.sample(falling(10), {}), 1);
  EXPECT_EQ(log->accepted, Tokens{1});
  EXPECT_EQ(sampler.rng_state(), Rng(0).state());
}

TEST(Chain, OrderIsThatOfTheList) {
  // Before top_k(1), XTC takes the likeliest away; after it, there is nothing to take.
  const Logits logits = {3.0F, 2.9F, 0.0F};
  EXPECT_EQ(Sampler({stages::xtc(1.0F, 0.1F), stages::top_k(1)}).sample(logits, {}), 1);
  EXPECT_EQ(Sampler({stages::top_k(1), stages::xtc(1.0F, 0.1F)}).sample(logits, {}), 0);
  // At a temperature that flattens everything, top_p keeps more.
  const auto kept = [&](const SamplerStages& list) {
    Candidates candidates(logits);
    Rng rng(0);
    for (const auto& stage : list) stage->clone()->apply(candidates, {{}, rng});
    return candidates.size();
  };
  EXPECT_EQ(kept({stages::top_p(0.9F), stages::temperature(100.0F)}), 2U);
  EXPECT_EQ(kept({stages::temperature(100.0F), stages::top_p(0.9F)}), 3U);
}

RC_GTEST_PROP(Chain, AListDrawsAsTheSameOptionsDo, ()) {
  const Logits logits = *some_logits();
  SamplingOptions options{.temperature = 0.7F, .top_k = 9, .top_p = 0.9F, .min_p = 0.05F, .presence_penalty = 0.5F};
  options.seed = *rc::gen::arbitrary<std::uint64_t>();
  options.typical_p = 0.95F;
  options.xtc_probability = 0.5F;
  options.dry_multiplier = 0.8F;
  options.mirostat_tau = 2.0F;
  const SamplerStages list = {stages::penalties(1.0F, 0.5F, 0.0F, 64),
                              stages::dry(0.8F, 1.75F, 2, -1, {}),
                              stages::temperature(0.7F),
                              stages::top_k(9),
                              stages::typical_p(0.95F),
                              stages::top_p(0.9F),
                              stages::min_p(0.05F),
                              stages::xtc(0.5F, 0.1F),
                              stages::mirostat(2.0F, 0.1F)};
  Sampler by_options(options, static_cast<int>(logits.size()));
  Sampler by_list(list, options.seed);
  Tokens history;
  for (int i = 0; i < 30; ++i) {
    const Token token = by_options.sample_masked(logits, history);
    RC_ASSERT(by_list.sample_masked(logits, history) == token);
    RC_ASSERT(logits[static_cast<std::size_t>(token)] != kBanned);
    history.push_back(token);
  }
}

TEST(Chain, CopiesGoOnAlikeAndApart) {
  SamplingOptions options{.temperature = 1.0F, .seed = 4};
  options.mirostat_tau = 3.0F;
  Sampler sampler(options, 200);
  const Logits logits = falling(200);
  for (int i = 0; i < 10; ++i) sampler.sample(logits, {});
  Sampler copy(sampler);
  Sampler saved(options, 200);
  saved.set_rng_state(sampler.rng_state());
  saved.set_stage_states(sampler.stage_states());
  ASSERT_EQ(sampler.stage_states().size(), 1U);
  EXPECT_EQ(sampler.stage_states()[0].name, "mirostat");
  Tokens first;
  for (int i = 0; i < 50; ++i) first.push_back(sampler.sample(logits, {}));
  for (int i = 0; i < 50; ++i) {
    ASSERT_EQ(copy.sample(logits, {}), first[static_cast<std::size_t>(i)]);
    ASSERT_EQ(saved.sample(logits, {}), first[static_cast<std::size_t>(i)]);
  }
}

TEST(Chain, StatesOfOtherStagesAreRefused) {
  Sampler plain(SamplingOptions{.temperature = 1.0F}, 10);
  Sampler mirostat({stages::mirostat(3.0F, 0.1F)});
  std::vector<StageState> states = mirostat.stage_states();
  EXPECT_THAT(refusal(ErrorKind::kFormat, [&] { plain.set_stage_states(states); }), HasSubstr("mirostat"));
  EXPECT_THAT(refusal(ErrorKind::kFormat, [&] { mirostat.set_stage_states({}); }), HasSubstr("mirostat"));
  states[0].bytes.pop_back();
  EXPECT_THAT(refusal(ErrorKind::kFormat, [&] { mirostat.set_stage_states(states); }), HasSubstr("7 bytes"));
}

TEST(Chain, MaskedLogitsAreBans) {
  Logits logits = falling(20);
  for (const std::size_t banned : {0U, 1U, 7U}) logits[banned] = kBanned;
  for (const int k : {0, 1, 5, 19}) {
    Sampler sampler(SamplingOptions{.temperature = 5.0F, .top_k = k, .top_p = 0.99F}, 20);
    for (int i = 0; i < 200; ++i)
      ASSERT_NE(logits[static_cast<std::size_t>(sampler.sample_masked(logits, {}))], kBanned);
  }
  EXPECT_EQ(Sampler(SamplingOptions{}, 20).sample_masked(logits, {}), 2);
  refusal(ErrorKind::kNumeric, [&] { Sampler(SamplingOptions{}, 20).sample(logits, {}); });
}

TEST(Chain, WhatOwnStagesLeaveIsChecked) {
  const auto sampler_with = [](float logit, float temperature) {
    SamplingOptions options{.temperature = temperature};
    options.stages = {std::make_shared<Probe>(std::make_shared<Probe::Log>(), [=](Candidates& candidates, const auto&) {
      candidates.transform([=](Token, float) { return logit; });
    })};
    return Sampler(options, 9);
  };
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const float temperature : {0.0F, 1.0F}) {
    for (const float bad : {nan, -kBanned}) {
      refusal(ErrorKind::kNumeric, [&] { sampler_with(bad, temperature).sample(falling(9), {}); });
    }
    EXPECT_THAT(
        refusal(ErrorKind::kInvalidArgument, [&] { sampler_with(kBanned, temperature).sample(falling(9), {}); }),
        HasSubstr("leave no token"));
  }
  const auto cut_all = std::make_shared<Probe>(std::make_shared<Probe::Log>(), [](Candidates& candidates, const auto&) {
    candidates.weighted();
    candidates.keep_if([](const Candidate&) { return false; });
  });
  refusal(ErrorKind::kInvalidArgument, [&] { Sampler({cut_all}).sample(falling(9), {}); });
}

TEST(Chain, WhatIsTooUnlikelyBesideWhatWasCutIsDrawnAllTheSame) {
  // Its weight beside the first token's is 0.
  const auto cut_first =
      std::make_shared<Probe>(std::make_shared<Probe::Log>(), [](Candidates& candidates, const auto&) {
        candidates.weighted();
        candidates.keep_if([](const Candidate& candidate) { return candidate.token != 0; });
      });
  EXPECT_EQ(Sampler({cut_first}).sample(Logits{5000.0F, 0.0F}, {}), 1);
}

TEST(Chain, OptionsOutOfRangeAreNamed) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const auto refused = [](const char* field, const char* value, const auto& change) {
    SamplingOptions options;
    change(options);
    const std::string message = refusal(ErrorKind::kInvalidArgument, [&] { Sampler(options, 10); });
    EXPECT_THAT(message, HasSubstr(std::string(field) + " is " + value));
  };
  refused("typical_p", "1.5, allowed are 0 to 1", [](auto& o) { o.typical_p = 1.5F; });
  refused("typical_p", "nan", [&](auto& o) { o.typical_p = nan; });
  refused("xtc_probability", "-0.5, allowed are 0 to 1", [](auto& o) { o.xtc_probability = -0.5F; });
  refused("xtc_threshold", "2, allowed are 0 to 1", [](auto& o) { o.xtc_threshold = 2.0F; });
  refused("dry_multiplier", "-1, must be at least 0 and finite", [](auto& o) { o.dry_multiplier = -1.0F; });
  refused("dry_base", "0.5, must be at least 1 and finite", [](auto& o) { o.dry_base = 0.5F; });
  refused("dry_allowed_length", "0, must be at least 1", [](auto& o) { o.dry_allowed_length = 0; });
  refused("dry_window", "-2, must be at least -1", [](auto& o) { o.dry_window = -2; });
  refused("mirostat_tau", "-3, must be at least 0 and finite", [](auto& o) { o.mirostat_tau = -3.0F; });
  refused("mirostat_eta", "inf, must be at least 0 and finite", [](auto& o) { o.mirostat_eta = -kBanned; });
  refused("no_repeat_ngram", "-1, must be at least 0", [](auto& o) { o.no_repeat_ngram = -1; });
  SamplingOptions empty_breaker;
  empty_breaker.dry_breakers = {{1}, {}};
  EXPECT_THAT(refusal(ErrorKind::kInvalidArgument, [&] { Sampler(empty_breaker, 10); }), HasSubstr("dry_breakers"));
  EXPECT_THAT(refusal(ErrorKind::kInvalidArgument, [] { Sampler({nullptr}); }), HasSubstr("stages"));
}

TEST(Candidates, MisuseIsRefused) {
  const Logits logits = falling(4);
  Candidates candidates(logits);
  for (const Token token : {-1, 4}) {
    refusal(ErrorKind::kInvalidArgument, [&] { static_cast<void>(candidates.logit(token)); });
    refusal(ErrorKind::kInvalidArgument, [&] { candidates.set_logit(token, 0.0F); });
  }
  refusal(ErrorKind::kInvalidArgument, [&] { candidates.keep_top(0); });
  for (const double temperature : {0.0, -1.0, std::numeric_limits<double>::quiet_NaN()})
    refusal(ErrorKind::kInvalidArgument, [&] { candidates.heat(temperature); });
  // The caller's logits are never written to; a copy is apart from the original.
  Candidates copy = candidates;
  copy.set_logit(0, 9.0F);
  Candidates second = copy;
  copy.set_logit(0, 8.0F);
  EXPECT_EQ(candidates.logit(0), 0.0F);
  EXPECT_EQ(second.logit(0), 9.0F);
}

TEST(DeriveSeed, GivesEachSampleAStreamOfItsOwn) {
  std::set<std::uint64_t> seen;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    seen.insert(seed);
    for (std::uint64_t index = 0; index < 200; ++index) seen.insert(derive_seed(seed, index));
    // Words that the seed's own generator begins with.
    const Rng own(seed);
    for (const std::uint64_t word : own.state().words) seen.insert(word);
  }
  EXPECT_EQ(seen.size(), 50U * (1U + 200U + 4U));
  static_assert(derive_seed(7, 1) != derive_seed(7, 2));
}

}  // namespace
}  // namespace pith::test
