#include <gtest/gtest.h>
#include <pith/pith.h>

#include <string>
#include <thread>
#include <vector>

#include "support/session_inputs.h"
#include "support/tiny_model.h"

namespace pith::test {
namespace {

class SharedPrefix : public testing::TestWithParam<std::string> {
 protected:
  SessionOptions options(bool share = true) const {
    return {.kv = {.key = GetParam()}, .context = 2000, .threads = 2, .share_prefixes = share};
  }
  /// Feeds in two pieces, and says what is different from a session that shares nothing.
  void expect_same(Session& session, const std::vector<Token>& tokens, int shared) {
    session.feed(tokens);
    Session alone(model_, options(false));
    alone.feed(tokens);
    EXPECT_EQ(session.shared_tokens(), shared);
    for (int i = 0; i < 70; ++i) {
      ASSERT_TRUE(std::equal(session.logits().begin(), session.logits().end(), alone.logits().begin())) << i;
      EXPECT_EQ(session.step(), alone.step());
    }
    EXPECT_EQ(session.kv_stats().bytes, alone.kv_stats().bytes);
  }

  const TempDir folder_;
  const Model model_ = Model::load(write_tiny_model({}, folder_));
  const std::vector<Token> system_ = random_tokens(model_, 650, 1);
};

TEST_P(SharedPrefix, IsTakenWherePagesAreTheSame) {
  Session first(model_, options());
  first.feed(system_);
  first.feed(random_tokens(model_, 333, 2));
  std::vector<Token> prompt = system_;
  for (const Token token : random_tokens(model_, 200, 3)) prompt.push_back(token);
  Session second(model_, options());
  expect_same(second, prompt, 640);
  // What the second one added serves a third one.
  Session third(model_, options());
  prompt.push_back(1);
  expect_same(third, prompt, 832);
  EXPECT_EQ(first.position(), 983);
}

TEST_P(SharedPrefix, NothingIsTakenThatDiffers) {
  Session first(model_, options());
  first.feed(system_);
  std::vector<Token> other = system_;
  other[3] = other[3] == 0 ? 1 : 0;
  Session second(model_, options());
  expect_same(second, other, 0);
  SessionOptions codecs = options();
  codecs.kv.value = GetParam() == "f32" ? "f16" : "f32";
  Session third(model_, codecs);
  third.feed(system_);
  EXPECT_EQ(third.shared_tokens(), 0);
  Session unsharing(model_, options(false));
  unsharing.feed(system_);
  EXPECT_EQ(unsharing.shared_tokens(), 0);
}

TEST_P(SharedPrefix, EndsWithItsSessions) {
  {
    Session first(model_, options());
    first.feed(system_);
  }
  Session second(model_, options());
  expect_same(second, system_, 0);
}

TEST_P(SharedPrefix, NothingIsTakenByAFeedThatIsStoppedBeforehand) {
  Session first(model_, options());
  first.feed(system_);
  std::stop_source source;
  source.request_stop();
  Session second(model_, options());
  EXPECT_FALSE(second.feed(system_, source.get_token()));
  EXPECT_EQ(second.position(), 0);
  EXPECT_THROW(static_cast<void>(second.logits()), Error);
  expect_same(second, system_, 640);
}

TEST_P(SharedPrefix, SessionsOfSeveralThreadsShare) {
  Session first(model_, options());
  first.feed(system_);
  std::vector<float> expected;
  {
    Session alone(model_, options(false));
    alone.feed(system_);
    expected.assign(alone.logits().begin(), alone.logits().end());
  }
  std::vector<std::thread> threads;
  std::vector<int> same(4);
  for (std::size_t i = 0; i < same.size(); ++i) {
    threads.emplace_back([&, i] {
      for (int round = 0; round < 3; ++round) {
        Session session(model_, options());
        session.feed(system_);
        same[i] += std::equal(expected.begin(), expected.end(), session.logits().begin()) ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(same, std::vector<int>(4, 3));
}

INSTANTIATE_TEST_SUITE_P(Codecs, SharedPrefix, testing::Values("f32", "f16", "int8", "int4", "int2"),
                         [](const auto& test) { return test.param; });

/// Codecs whose pages have one form share what lies before the end of a feed, too.
TEST(SharedPrefixOfOneForm, IsCutWhereTokensDiffer) {
  const TempDir folder;
  const Model model = Model::load(write_tiny_model({}, folder));
  const std::vector<Token> tokens = random_tokens(model, 500, 1);
  for (const char* codec : {"f16", "int8"}) {
    const SessionOptions options{.kv = {.key = codec}, .context = 2000, .share_prefixes = true};
    Session first(model, options);
    first.feed(tokens);
    std::vector<Token> other(tokens.begin(), tokens.begin() + 300);
    other.resize(400, 5);
    Session second(model, options);
    second.feed(other);
    EXPECT_EQ(second.shared_tokens(), 256);
    Session alone(model, {.kv = {.key = codec}, .context = 2000});
    alone.feed(other);
    EXPECT_TRUE(std::equal(second.logits().begin(), second.logits().end(), alone.logits().begin()));
  }
}

}  // namespace
}  // namespace pith::test
