#include <gtest/gtest.h>
#include <pith/pith.h>

#include <algorithm>
#include <string>
#include <tuple>
#include <vector>

#include "support/session_inputs.h"
#include "support/tiny_model.h"

// A session that goes back to a mark is what it was there, and computes nothing again.
namespace pith::test {
namespace {

TinyModelSpec spec_of(const std::string& kind) {
  return kind == "windows" || kind == "expected" ? tiny_windows() : TinyModelSpec{};
}

SessionOptions options_of(const std::string& kind) {
  SessionOptions options;
  if (kind == "sparse") {
    options.kv.read_share = 0.3;
    options.kv.read_pages_min = 2;
  } else if (kind != "global" && kind != "windows") {
    options.eviction.policy = kind == "expected" ? "expected-attention" : kind;
    options.eviction.budget_tokens = 320;
  }
  return options;
}

class MarkedSession : public testing::TestWithParam<std::tuple<std::string, std::string>> {
 protected:
  MarkedSession() {
    options_.kv.key = std::get<0>(GetParam());
    options_.context = 4096;
    options_.threads = 1;
    options_.marks_share = 100.0;
  }

  std::span<const Token> tokens(std::size_t first, std::size_t end) const {
    return std::span(tokens_).subspan(first, end - first);
  }

  const TempDir folder_;
  SessionOptions options_ = options_of(std::get<1>(GetParam()));
  const Model model_ = Model::load(write_tiny_model(spec_of(std::get<1>(GetParam())), folder_));
  const std::vector<Token> tokens_ = random_tokens(model_, 2000, 1);
};

void expect_alike(const Session& session, const Session& other) {
  EXPECT_EQ(logits_of(session), logits_of(other));
  EXPECT_TRUE(std::ranges::equal(session.tokens(), other.tokens()));
  EXPECT_EQ(session.kv_stats().bytes, other.kv_stats().bytes);
  EXPECT_EQ(session.kv_stats().held_tokens, other.kv_stats().held_tokens);
}

TEST_P(MarkedSession, IsWhatItWasAtEachMark) {
  Session session(model_, options_);
  std::vector<Session> then;
  std::size_t fed = 0;
  for (const std::size_t point : {70UL, 200UL, 333UL, 512UL, 703UL}) {
    session.feed(tokens(fed, point));
    fed = point;
    session.mark();
    then.push_back(session.fork());
  }
  ASSERT_EQ(session.marks().size(), then.size());
  session.feed(tokens(fed, 1100));
  for (std::size_t i = then.size(); i-- > 0;) {
    SCOPED_TRACE("mark " + std::to_string(i));
    EXPECT_EQ(session.truncate(then[i].position()), 0);
    expect_alike(session, then[i]);
    EXPECT_EQ(session.marks().size(), i + 1);
    session.feed(tokens(1200, 1420));
    then[i].feed(tokens(1200, 1420));
    expect_alike(session, then[i]);
  }
}

TEST_P(MarkedSession, ComputesOnlyWhatFollowedTheMark) {
  Session session(model_, options_);
  session.feed(tokens(0, 333));
  session.mark();
  session.feed(tokens(333, 400));
  const Session then = session.fork();
  session.feed(tokens(400, 1000));
  EXPECT_LE(session.truncate(400), 400 - 333);
  expect_alike(session, then);
}

TEST_P(MarkedSession, ForksGoBackByThemselves) {
  Session session(model_, options_);
  session.feed(tokens(0, 300));
  session.mark();
  const Session then = session.fork();
  session.feed(tokens(300, 500));
  Session fork = session.fork();
  session.feed(tokens(500, 900));
  fork.feed(tokens(1000, 1300));
  EXPECT_EQ(fork.truncate(300), 0);
  expect_alike(fork, then);
  EXPECT_EQ(session.truncate(300), 0);
  expect_alike(session, then);
}

TEST_P(MarkedSession, MarksByItself) {
  options_.mark_every = 150;
  Session session(model_, options_);
  session.feed(tokens(0, 725));
  EXPECT_EQ(session.marks().size(), 4U);
  const Session then = session.fork();
  session.feed(tokens(725, 1400));
  EXPECT_LE(session.truncate(725), 150);
  expect_alike(session, then);
}

std::vector<std::string> codecs() {
  return PITH_SANITIZED != 0 ? std::vector<std::string>{"int4"}
                             : std::vector<std::string>{"f16", "int8", "int4", "int2", "kivi4"};
}

INSTANTIATE_TEST_SUITE_P(, MarkedSession,
                         testing::Combine(testing::ValuesIn(codecs()),
                                          testing::Values("global", "windows", "sparse", "window", "h2o", "expected")),
                         [](const auto& test) { return std::get<0>(test.param) + "_" + std::get<1>(test.param); });

class Marks : public testing::Test {
 protected:
  Session session(const char* codec, SessionOptions options = {}) const {
    options.kv.key = codec;
    options.context = 4096;
    return Session(model_, options);
  }
  void feed(Session& session, std::size_t count) const {
    session.feed(std::span(tokens_).subspan(static_cast<std::size_t>(session.position()), count));
  }

  const TempDir folder_;
  const Model model_ = Model::load(write_tiny_model({}, folder_));
  const std::vector<Token> tokens_ = random_tokens(model_, 2000, 1);
};

TEST_F(Marks, CostNothingWhereNothingIsReplaced) {
  for (const char* codec : {"f16", "int8", "int4"}) {
    Session marked = session(codec);
    feed(marked, 640);
    marked.mark();
    const std::uint64_t logits = sizeof(float) * marked.logits().size();
    EXPECT_LT(marked.kv_stats().mark_bytes, logits + 4096) << codec << ": all pages are the cache's own";
    feed(marked, 640);
    EXPECT_EQ(marked.kv_stats().marks, 1);
    const std::uint64_t bytes = marked.kv_stats().mark_bytes;
    if (std::string(codec) == "int4") {
      EXPECT_GT(bytes, logits + 4096) << "the finer form of four pages";
      EXPECT_LT(bytes, marked.kv_stats().bytes);
    } else {
      EXPECT_LT(bytes, logits + 4096) << codec;
    }
    EXPECT_EQ(marked.memory().marks, bytes);
    EXPECT_EQ(marked.memory().own(), marked.memory().cache + marked.memory().state + bytes);
  }
}

TEST_F(Marks, KeepToTheirShare) {
  SessionOptions options;
  options.marks_share = 0.8;
  options.mark_every = 64;
  Session session = this->session("int4", options);
  for (int i = 0; i < 25; ++i) {
    feed(session, 64);
    const KvStats stats = session.kv_stats();
    if (stats.marks <= 2) continue;
    EXPECT_LE(static_cast<double>(stats.mark_bytes), 0.8 * static_cast<double>(stats.bytes));
  }
  const std::vector<int> marks = session.marks();
  ASSERT_GT(marks.size(), 3U);
  EXPECT_EQ(marks.back(), 1600);
  EXPECT_EQ(marks[marks.size() - 2], 1536);
  EXPECT_LT(marks.front(), 1000) << "they are spread over what was fed, not the newest alone";

  options.marks_share = 0;
  Session unmarked = this->session("int4", options);
  feed(unmarked, 640);
  unmarked.mark();
  EXPECT_EQ(unmarked.kv_stats().marks, 0);
}

TEST_F(Marks, NoneInTheFirstPageAndOneOfAPoint) {
  Session session = this->session("int4");
  session.mark();
  feed(session, 63);
  session.mark();
  EXPECT_TRUE(session.marks().empty());
  feed(session, 137);
  session.mark();
  session.mark();
  EXPECT_EQ(session.marks(), (std::vector<int>{200}));
  session.reset();
  EXPECT_TRUE(session.marks().empty());
}

TEST_F(Marks, LeadBackBeforeACompaction) {
  for (const bool own_policy : {true, false}) {
    SessionOptions options;
    if (own_policy) options.eviction.policy = "window";
    Session session = this->session("int4", options);
    feed(session, 400);
    session.mark();
    const Session before = session.fork();
    feed(session, 300);
    EvictionOptions window;
    window.policy = "window";
    session.compact(128, window);
    EXPECT_LT(session.kv_stats().held_tokens, 200);
    feed(session, 200);
    EXPECT_THROW(session.truncate(800), Error) << "no mark since";
    session.mark();
    const Session after = session.fork();
    feed(session, 300);
    EXPECT_EQ(session.truncate(900), 0);
    expect_alike(session, after);
    EXPECT_THROW(session.truncate(800), Error);
    EXPECT_EQ(session.truncate(400), 0);
    expect_alike(session, before);
    EXPECT_LT(session.truncate(300), 301);
  }
}

TEST_F(Marks, ASnapshotHasNone) {
  Session session = this->session("int4");
  feed(session, 640);
  session.mark();
  session.save(folder_ / "snapshot");
  Session restored = Session::restore(model_, folder_ / "snapshot");
  EXPECT_TRUE(restored.marks().empty());
  feed(restored, 500);
  EXPECT_GT(restored.truncate(640), 500);
}

}  // namespace
}  // namespace pith::test
