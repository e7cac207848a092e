#include <gtest/gtest.h>
#include <pith/pith.h>

#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "support/tiny_model.h"

namespace pith::test {
namespace {

std::vector<float> logits_after(const Session& session) { return {session.logits().begin(), session.logits().end()}; }

class Sparse : public testing::TestWithParam<std::string> {
 protected:
  static constexpr std::size_t kPrompt = 1900;

  Sparse() : tokens_(kPrompt + 300) {
    std::mt19937 random(1);
    for (Token& token : tokens_) token = static_cast<Token>(random() % static_cast<unsigned>(model_.info().vocab));
  }

  SessionOptions options(double share, int threads = 2) const {
    SessionOptions options{.kv = {.key = GetParam()}, .context = 4096, .threads = threads};
    options.kv.read_share = share;
    options.kv.read_pages_min = 4;
    return options;
  }
  void feed_together(Session& session, std::size_t end) const {
    const auto from = static_cast<std::size_t>(session.position());
    session.feed(std::span(tokens_).subspan(from, end - from));
  }
  void feed_alone(Session& session, std::size_t end) const {
    for (auto at = static_cast<std::size_t>(session.position()); at < end; ++at)
      session.feed(std::span(tokens_).subspan(at, 1));
  }

  const TempDir folder_;
  const Model model_ = Model::load(write_tiny_model({}, folder_));
  std::vector<Token> tokens_;
};
INSTANTIATE_TEST_SUITE_P(Codecs, Sparse, testing::Values("f16", "int4"), [](const auto& test) { return test.param; });

TEST_P(Sparse, AShareOf1IsReadingWithoutIt) {
  Session plain(model_, {.kv = {.key = GetParam()}, .context = 4096, .threads = 2});
  Session all(model_, options(1.0));
  Session sparse(model_, options(0.25));
  for (Session* session : {&plain, &all, &sparse}) feed_together(*session, kPrompt);
  EXPECT_EQ(logits_after(all), logits_after(plain));
  EXPECT_EQ(logits_after(sparse), logits_after(plain)) << "tokens that are fed together read everything";
  for (Session* session : {&plain, &all, &sparse}) feed_alone(*session, kPrompt + 20);
  EXPECT_EQ(logits_after(all), logits_after(plain));
  EXPECT_NE(logits_after(sparse), logits_after(plain));
  EXPECT_EQ(all.kv_stats().summary_bytes, 0U);
  EXPECT_EQ(all.kv_stats().bytes, plain.kv_stats().bytes);
}

TEST_P(Sparse, NeitherThreadsNorBatchesMatter) {
  Session first(model_, options(0.25));
  feed_together(first, kPrompt);
  feed_alone(first, kPrompt + 100);
  // 271 * 7 + 3 tokens end in a batch of few, and of one.
  for (const int batch : {271, 1899, 64}) {
    SessionOptions other = options(0.25, 3);
    other.batch_tokens = batch;
    Session session(model_, other);
    feed_together(session, kPrompt);
    feed_alone(session, kPrompt + 100);
    EXPECT_EQ(logits_after(session), logits_after(first)) << "batches of " << batch;
  }
}

TEST_P(Sparse, ForksGoOnAlikeAndApart) {
  Session session(model_, options(0.25));
  feed_together(session, kPrompt);
  feed_alone(session, kPrompt + 30);
  Session fork = session.fork();
  const std::vector<float> before = logits_after(session);
  fork.feed(std::vector<Token>(300, 3));
  EXPECT_EQ(logits_after(session), before);
  Session same = session.fork();
  feed_alone(session, kPrompt + 200);
  feed_alone(same, kPrompt + 200);
  EXPECT_EQ(logits_after(same), logits_after(session));
}

TEST_P(Sparse, TruncationGivesTheSessionThatWouldHaveBeen) {
  for (const std::size_t end : {kPrompt + 120, kPrompt + 21, kPrompt + 5, kPrompt - 100}) {
    Session session(model_, options(0.25));
    feed_together(session, kPrompt);
    feed_alone(session, kPrompt + 280);
    session.truncate(static_cast<int>(end));
    Session expected(model_, options(0.25));
    feed_together(expected, std::min(end, kPrompt));
    feed_alone(expected, end);
    EXPECT_EQ(logits_after(session), logits_after(expected)) << end;
    feed_alone(session, end + 100);
    feed_alone(expected, end + 100);
    EXPECT_EQ(logits_after(session), logits_after(expected)) << end;
  }
}

TEST_P(Sparse, StatsCountSummaries) {
  Session session(model_, options(0.25));
  feed_together(session, kPrompt);
  const KvStats stats = session.kv_stats();
  EXPECT_GT(stats.summary_bytes, 0U);
  EXPECT_EQ(stats.bytes, stats.sealed_bytes + stats.exact_bytes + stats.summary_bytes);
  std::uint64_t layers = 0;
  for (const KvStats::Layer& layer : stats.layers) layers += layer.key_bytes + layer.value_bytes;
  EXPECT_EQ(layers, stats.bytes);
  EXPECT_EQ(predict_kv(model_, options(0.25).kv, kPrompt).summary_bytes, stats.summary_bytes);
  session.reset();
  EXPECT_EQ(session.kv_stats().bytes, 0U);
}

TEST_P(Sparse, WorksBesideEviction) {
  SessionOptions evicting = options(0.5);
  evicting.eviction.policy = "snapkv";
  evicting.eviction.budget_tokens = 900;
  evicting.eviction.recent = 16;
  evicting.eviction.interval = 64;
  std::vector<std::vector<float>> results;
  for (const int threads : {1, 3}) {
    evicting.threads = threads;
    Session session(model_, evicting);
    feed_together(session, kPrompt);
    feed_alone(session, kPrompt + 300);
    EXPECT_LE(session.kv_stats().held_tokens, 900);
    results.push_back(logits_after(session));
  }
  EXPECT_EQ(results[0], results[1]);
  // A share that covers everything reads packed pages as without it.
  SessionOptions covered = evicting;
  covered.kv.read_pages_min = 100;
  SessionOptions plain = evicting;
  plain.kv.read_share = 1.0;
  Session a(model_, covered);
  Session b(model_, plain);
  for (Session* session : {&a, &b}) {
    feed_together(*session, kPrompt);
    feed_alone(*session, kPrompt + 300);
  }
  EXPECT_EQ(logits_after(a), logits_after(b));
}

TEST_P(Sparse, BadOptionsAreNamed) {
  const auto refused = [&](double share, int pages_min, const std::string& name) {
    SessionOptions bad = options(share);
    bad.kv.read_pages_min = pages_min;
    try {
      Session session(model_, bad);
      FAIL() << share << " and " << pages_min << " are taken";
    } catch (const Error& e) {
      EXPECT_EQ(e.kind(), ErrorKind::kInvalidArgument);
      EXPECT_NE(std::string(e.what()).find(name), std::string::npos) << e.what();
    }
  };
  refused(0.0, 4, "read_share is 0");
  refused(1.5, 4, "read_share is 1.5");
  refused(-0.5, 4, "read_share is -0.5");
  refused(std::nan(""), 4, "read_share is nan");
  refused(0.5, -1, "read_pages_min is -1");
}

}  // namespace
}  // namespace pith::test
