#include <gtest/gtest.h>
#include <pith/pith.h>

#include <string>
#include <vector>

#include "support/session_inputs.h"
#include "support/tiny_model.h"

namespace pith::test {
namespace {

class Evicting : public testing::TestWithParam<std::string> {
 protected:
  SessionOptions options(const std::string& policy, std::size_t budget) const {
    SessionOptions options{.kv = {.key = GetParam()}, .context = 4096, .threads = 2};
    options.eviction.policy = policy;
    options.eviction.budget_tokens = budget;
    options.eviction.recent = 16;
    options.eviction.interval = 64;
    return options;
  }
  const TempDir folder_;
  const Model model_ = Model::load(write_tiny_model({}, folder_));
  const std::vector<Token> tokens_ = random_tokens(model_, 1500, 1);
};

TEST_P(Evicting, NothingChangesWhereNothingIsEvicted) {
  Session plain(model_, {.kv = {.key = GetParam()}, .context = 4096, .threads = 2});
  plain.feed(tokens_);
  for (const char* policy : {"window", "h2o", "snapkv", "expected-attention"}) {
    Session session(model_, options(policy, 4000));
    session.feed(tokens_);
    EXPECT_EQ(logits_of(session), logits_of(plain)) << policy;
  }
}

TEST_P(Evicting, BudgetsHoldAtEveryStep) {
  for (const std::string& policy : builtin_policies()) {
    if (make_policy(policy)->needs().reconstruction) continue;
    Session session(model_, options(policy, 300));
    for (std::size_t fed = 0; fed < 900;) {
      const std::size_t count = fed % 7 * 40 + 1;
      session.feed(std::span(tokens_).subspan(fed, count));
      fed += count;
      EXPECT_LE(session.kv_stats().held_tokens, 300) << policy << " at " << fed;
    }
    EXPECT_GT(session.kv_stats().held_tokens, 150) << policy;
  }
}

TEST_P(Evicting, DoesNotDependOnBatchesFeedsOrThreads) {
  for (const std::string& policy : builtin_policies()) {
    if (make_policy(policy)->needs().reconstruction) continue;
    Session once(model_, options(policy, 300));
    once.feed(std::span(tokens_).first(800));
    SessionOptions other = options(policy, 300);
    other.threads = 3;
    other.batch_tokens = 23;
    Session pieces(model_, other);
    for (std::size_t fed = 0; fed < 800; fed += 50) pieces.feed(std::span(tokens_).subspan(fed, 50));
    EXPECT_EQ(logits_of(pieces), logits_of(once)) << policy;
  }
}

TEST_P(Evicting, ForksAndTheirOriginGoOnAlike) {
  Session session(model_, options("h2o", 300));
  session.feed(std::span(tokens_).first(777));
  Session fork = session.fork();
  EXPECT_EQ(logits_of(fork), logits_of(session));
  Session twin(model_, options("h2o", 300));
  twin.feed(std::span(tokens_).first(777));
  session.feed(std::span(tokens_).subspan(777, 200));
  const std::vector<float> after = logits_of(session);
  fork.feed(std::span(tokens_).subspan(1000, 150));
  twin.feed(std::span(tokens_).subspan(1000, 150));
  EXPECT_EQ(logits_of(fork), logits_of(twin));
  EXPECT_EQ(logits_of(session), after);
}

TEST_P(Evicting, TruncatedSessionsGoOnAsIfNothingHadCome) {
  for (const std::string policy : {"", "h2o"}) {
    for (const std::size_t length : {1UL, 30UL, 64UL, 100UL, 512UL, 640UL, 690UL, 699UL}) {
      Session session(
          model_, policy.empty() ? SessionOptions{.kv = {.key = GetParam()}, .context = 4096} : options(policy, 300));
      session.feed(std::span(tokens_).first(700));
      session.truncate(static_cast<int>(length));
      Session fresh(model_,
                    policy.empty() ? SessionOptions{.kv = {.key = GetParam()}, .context = 4096} : options(policy, 300));
      fresh.feed(std::span(tokens_).first(length));
      EXPECT_EQ(logits_of(session), logits_of(fresh)) << policy << " " << length;
      session.feed(std::span(tokens_).subspan(700, 80));
      fresh.feed(std::span(tokens_).subspan(700, 80));
      EXPECT_EQ(logits_of(session), logits_of(fresh)) << policy << " " << length;
    }
  }
}

// Sanitizers make the others wait for nothing new.
INSTANTIATE_TEST_SUITE_P(Codecs, Evicting,
                         testing::ValuesIn(PITH_SANITIZED
                                               ? std::vector<std::string>{"int4", "kivi4"}
                                               : std::vector<std::string>{"f16", "int8", "int4", "int3", "kivi4"}),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace pith::test
