#include <gtest/gtest.h>
#include <pith/pith.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "support/session_inputs.h"
#include "support/tiny_form.h"
#include "support/tiny_shapes.h"

// What a session can do, with every architecture: nothing of it may depend on how a layer is made.
namespace pith::test {
namespace {

constexpr std::size_t kTokens = 260;

class EveryArchitecture : public testing::TestWithParam<TinyShape> {
 protected:
  std::span<const Token> tokens(std::size_t first, std::size_t end) const {
    return std::span(tokens_).subspan(first, end - first);
  }
  Session fed(const SessionOptions& options, std::size_t end) const {
    Session session(model_, options);
    session.feed(tokens(0, end));
    return session;
  }

  const TempDir folder_;
  const Model model_ = Model::load(write_tiny_model(GetParam().spec, folder_), {.threads = 1});
  const std::vector<Token> tokens_ = random_tokens(model_, kTokens, 1);
};

TEST_P(EveryArchitecture, GoesBackForksAndComesBackFromAFile) {
  // Sanitizers are slow.
  using Codecs = std::vector<const char*>;
  for (const char* codec : PITH_SANITIZED != 0 ? Codecs{"int2"} : Codecs{"int8", "int2"}) {
    const SessionOptions options = with_marks(codec);
    const std::vector<float> expected = logits_of(fed(options, kTokens));
    Session session = fed(options, 200);
    session.mark();
    Session fork = session.fork();
    session.save(folder_ / "s.pith");
    Session restored = Session::restore(model_, folder_ / "s.pith");
    session.feed(tokens(0, 60));
    session.truncate(200);
    for (Session* each : {&session, &fork, &restored}) {
      each->feed(tokens(200, kTokens));
      EXPECT_EQ(logits_of(*each), expected) << codec;
    }
  }
}

TEST_P(EveryArchitecture, IsInABatchWhatItIsAlone) {
  const SessionOptions options = with_marks("int4");
  Session first = fed(options, 70);
  Session second = fed(options, 130);
  Batch batch(model_);
  batch.add(first, tokens(70, 100));
  batch.add(second, tokens(130, 131));
  batch.run();
  EXPECT_EQ(logits_of(first), logits_of(fed(options, 100)));
  EXPECT_EQ(logits_of(second), logits_of(fed(options, 131)));
}

TEST_P(EveryArchitecture, EvictsAndReadsSparsely) {
  if (model_.info().heads == 0) {
    SessionOptions options = with_marks("int4");
    options.eviction.policy = "window";
    options.eviction.budget_tokens = 192;
    EXPECT_THROW(Session(model_, options), Error) << "there are no tokens to evict";
    return;
  }
  for (const char* policy : {"window", "h2o", "keydiff"}) {
    SessionOptions options = with_marks("int4");
    options.eviction.policy = policy;
    options.eviction.budget_tokens = 192;
    options.eviction.interval = 64;
    const std::vector<float> logits = logits_of(fed(options, kTokens));
    for (const float x : logits) ASSERT_TRUE(std::isfinite(x)) << policy;
    Session slow(model_, options);
    for (std::size_t at = 0; at < kTokens; at += 13) slow.feed(tokens(at, std::min(kTokens, at + 13)));
    EXPECT_EQ(logits_of(slow), logits) << policy;
  }
  SessionOptions sparse = with_marks("int4");
  sparse.kv.read_share = 0.5;
  for (const float x : logits_of(fed(sparse, kTokens))) ASSERT_TRUE(std::isfinite(x));
}

TEST_P(EveryArchitecture, DropsTokensOrSaysWhyNot) {
  Session session = fed(with_marks("int8"), 200);
  const std::string& name = GetParam().spec.architecture;
  const bool sees_positions = name == "gpt2" || name == "mistral3";
  const bool recurrent = tiny_form(name).recurrent != TinyRecurrent::kNone;
  if (sees_positions || recurrent) {
    EXPECT_THROW(session.drop(10, 100), Error);
    return;
  }
  session.drop(10, 100);
  session.feed(tokens(200, kTokens));
  for (const float x : session.logits()) ASSERT_TRUE(std::isfinite(x));
}

INSTANTIATE_TEST_SUITE_P(Shapes, EveryArchitecture, testing::ValuesIn(tiny_shapes()),
                         [](const auto& tested) { return tested.param.name; });

}  // namespace
}  // namespace pith::test
