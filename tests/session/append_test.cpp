#include <gtest/gtest.h>
#include <pith/pith.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include "session/chat_fixture.h"
#include "support/session_inputs.h"
#include "support/tiny_model.h"

// Sessions that stand in other ones.
namespace pith::test {
namespace {

class AppendingSession : public testing::Test {
 protected:
  Model load(const TinyModelSpec& spec) const {
    ModelOptions exact;
    exact.arithmetic = Arithmetic::kF32;
    return Model::load(write_tiny_model(spec, folder_), exact);
  }
  std::span<const Token> tokens(std::size_t first, std::size_t end) const {
    return std::span(tokens_).subspan(first, end - first);
  }
  Session holding(const Model& model, const SessionOptions& options, std::size_t first, std::size_t end) const {
    Session session(model, options);
    session.feed(tokens(first, end));
    return session;
  }

  const TempDir folder_;
  const Model model_ = load({});
  const std::vector<Token> tokens_ = random_tokens(model_, 2000, 1);
};

double logit_distance(const Session& session, const Session& other) {
  double largest = 0;
  for (std::size_t i = 0; i < session.logits().size(); ++i) {
    const double apart = static_cast<double>(session.logits()[i]) - static_cast<double>(other.logits()[i]);
    largest = std::max(largest, std::abs(apart));
  }
  return largest;
}

/// In a model of one layer, keys and values do not depend on other tokens.
TEST_F(AppendingSession, OfOneLayerIsOneThatWasFedTheDocuments) {
  for (const bool windows : {false, true}) {
    TinyModelSpec spec = windows ? tiny_windows() : TinyModelSpec{};
    spec.layers = 1;
    const Model model = load(spec);
    const Session one = holding(model, with_marks("f32"), 0, 200);
    const Session other = holding(model, with_marks("f32"), 200, 333);
    const Session small = holding(model, with_marks("f32"), 333, 373);
    for (const std::size_t own : {0UL, 50UL, 64UL}) {
      Session session(model, with_marks("f32"));
      session.feed(tokens(1000, 1000 + own));
      Session fed = session.fork();
      for (const Session* document : {&other, &small, &one}) {
        session.append(*document);
        fed.feed(document->tokens());
        // Between some of them, own tokens.
        if (document == &other) continue;
        session.feed(tokens(1100, 1120));
        fed.feed(tokens(1100, 1120));
      }
      session.feed(tokens(1200, 1310));
      fed.feed(tokens(1200, 1310));
      EXPECT_TRUE(std::ranges::equal(session.tokens(), fed.tokens()));
      EXPECT_EQ(session.position(), fed.position());
      EXPECT_LT(logit_distance(session, fed), 2e-3) << windows << " " << own;
    }
  }
}

/// With nothing before it, a document goes on as the document itself does, however deep the model.
TEST_F(AppendingSession, ThatWasEmptyGoesOnAsTheDocument) {
  for (const char* codec : {"f32", "f16", "int8", "int4", "int2", "kivi4"}) {
    for (const std::size_t size : {40UL, 64UL, 700UL, 1200UL}) {
      Session document = holding(model_, with_marks(codec), 0, size);
      Session session(model_, with_marks(codec));
      session.append(document);
      document.feed(tokens(1300, 1310));
      session.feed(tokens(1300, 1310));
      // The last page is in another place, so queries see some of it in another form.
      EXPECT_LT(logit_distance(session, document), std::string(codec) == "f32" ? 2e-3 : 0.5) << codec << " " << size;
    }
  }
}

TEST_F(AppendingSession, LeavesOutAndComputesAgainWhatItIsTold) {
  const Session document = holding(model_, with_marks("int8"), 0, 300);
  Session session = holding(model_, with_marks("int8"), 500, 600);
  Session fed = session.fork();
  Session all = session.fork();
  session.append(document, {.skip = 10, .seam = 290});
  fed.feed(tokens(10, 300));
  EXPECT_EQ(logits_of(session), logits_of(fed)) << "all of it is computed again";
  double before = 1e9;
  // The more is computed again, the nearer it comes to what feeding gives.
  fed.feed(tokens(700, 710));
  for (const std::size_t seam : {0UL, 128UL, 256UL, 280UL}) {
    Session other = all.fork();
    other.append(document, {.skip = 10, .seam = seam});
    EXPECT_TRUE(std::ranges::equal(other.tokens().subspan(100), tokens(10, 300)));
    other.feed(tokens(700, 710));
    const double apart = logit_distance(other, fed);
    EXPECT_LT(apart, before * 1.5) << seam;
    before = apart;
  }
}

TEST_F(AppendingSession, AfterTokensWereDropped) {
  TinyModelSpec spec;
  spec.layers = 1;
  const Model model = load(spec);
  Session document = holding(model, with_marks("f32"), 0, 300);
  document.drop(20, 130);
  Session session = holding(model, with_marks("f32"), 500, 800);
  session.drop(64, 128);
  Session fed(model, with_marks("f32"));
  fed.feed(session.tokens());
  session.append(document);
  session.append(document, {.skip = 5, .seam = 30});
  fed.feed(document.tokens());
  fed.feed(document.tokens().subspan(5));
  session.feed(tokens(900, 910));
  fed.feed(tokens(900, 910));
  EXPECT_LT(logit_distance(session, fed), 2e-3);
}

TEST_F(AppendingSession, DoesNotDependOnThreadsNorOnHowTokensAreFed) {
  for (const char* codec : {"int8", "int4"}) {
    SessionOptions options = with_marks(codec);
    const Session document = holding(model_, options, 0, 500);
    Session one = holding(model_, options, 700, 770);
    options.threads = 2;
    options.batch_tokens = 19;
    Session other = holding(model_, options, 700, 770);
    one.append(document, {.seam = 20});
    other.append(document, {.seam = 20});
    one.feed(tokens(800, 900));
    for (std::size_t i = 800; i < 900; ++i) other.feed(tokens(i, i + 1));
    EXPECT_EQ(logits_of(one), logits_of(other)) << codec;
  }
}

TEST_F(AppendingSession, IsNotChangedByWhatBecomesOfTheDocument) {
  std::optional<Session> document = holding(model_, with_marks("int4"), 0, 500);
  Session session = holding(model_, with_marks("int4"), 700, 720);
  session.append(*document);
  Session fork = session.fork();
  const Session before = document->fork();
  session.feed(tokens(800, 900));
  EXPECT_EQ(logits_of(*document), logits_of(before));
  document->feed(tokens(900, 1000));
  document->truncate(100);
  document.reset();
  fork.feed(tokens(800, 900));
  EXPECT_EQ(logits_of(session), logits_of(fork));
}

TEST_F(AppendingSession, CountsTheDocument) {
  const Session document = holding(model_, with_marks("int4"), 0, 640);
  Session session = holding(model_, with_marks("int4"), 700, 764);
  const KvStats before = session.kv_stats();
  session.append(document);
  const KvStats stats = session.kv_stats();
  EXPECT_EQ(stats.tokens, 704);
  EXPECT_EQ(stats.held_tokens, 704);
  EXPECT_EQ(stats.bytes, before.bytes + document.kv_stats().bytes);
  EXPECT_EQ(session.position(), 704);
}

TEST_F(AppendingSession, GoesBackByMarks) {
  const Session document = holding(model_, with_marks("int4"), 0, 500);
  Session session = holding(model_, with_marks("int4"), 700, 900);
  session.mark();
  const Session before = session.fork();
  session.feed(tokens(900, 1000));
  session.append(document);
  session.mark();
  const Session after = session.fork();
  session.feed(tokens(1000, 1200));
  EXPECT_EQ(session.marks(), (std::vector<int>{200, 800}));
  EXPECT_LE(session.truncate(801), 1);
  EXPECT_EQ(session.position(), 801);
  Session fork = session.fork();
  fork.truncate(800);
  fork.feed(tokens(1300, 1400));
  Session from_there = after.fork();
  from_there.feed(tokens(1300, 1400));
  EXPECT_EQ(logits_of(fork), logits_of(from_there));
  EXPECT_EQ(session.truncate(200), 0);
  EXPECT_EQ(logits_of(session), logits_of(before));
  session.save(folder_ / "saved");
}

TEST_F(AppendingSession, Generates) {
  const Session document = holding(model_, with_marks("int8"), 0, 300);
  Session session(model_, with_marks("int8"));
  session.append(document);
  EXPECT_EQ(error_kind([&] { session.sample(); }), ErrorKind::kInvalidArgument) << "nothing was fed";
  std::string expected;
  for (const int lookup : {0, 8}) {
    Session fork = session.fork();
    GenerateOptions options = letters(150);
    options.lookup_tokens = lookup;
    const Generation generation = fork.generate("go on", options);
    EXPECT_EQ(generation.reason, FinishReason::kLength);
    if (expected.empty()) expected = generation.text;
    EXPECT_EQ(generation.text, expected);
  }
}

TEST_F(AppendingSession, RefusesByKind) {
  const Session document = holding(model_, with_marks("int8"), 0, 300);
  Session session = holding(model_, with_marks("int8"), 500, 600);
  const auto kind = [&](const Session& what, const AppendOptions& options = {}) {
    return error_kind([&] { session.append(what, options); });
  };
  EXPECT_EQ(kind(holding(model_, with_marks("int4"), 0, 100)), ErrorKind::kInvalidArgument);
  EXPECT_EQ(kind(holding(load({}), with_marks("int8"), 0, 100)), ErrorKind::kInvalidArgument) << "loaded apart";
  EXPECT_EQ(kind(document, {.skip = 301}), ErrorKind::kInvalidArgument);
  EXPECT_EQ(kind(document, {.skip = 200, .seam = 101}), ErrorKind::kInvalidArgument);
  SessionOptions small = with_marks("int8");
  small.context = 350;
  Session full = holding(model_, small, 500, 600);
  EXPECT_EQ(error_kind([&] { full.append(document); }), ErrorKind::kContextFull);
  SessionOptions evicting = with_marks("int8");
  evicting.eviction.policy = "h2o";
  EXPECT_EQ(kind(holding(model_, evicting, 0, 300)), ErrorKind::kUnsupported);
  Session before = session.fork();
  EXPECT_TRUE(std::ranges::equal(session.tokens(), tokens(500, 600)));

  session.append(document);
  EXPECT_EQ(kind(session), ErrorKind::kUnsupported);
  EXPECT_EQ(error_kind([&] { session.drop(10, 20); }), ErrorKind::kUnsupported);
  EXPECT_EQ(error_kind([&] { session.compact(100, {.policy = "window"}); }), ErrorKind::kUnsupported);
  EXPECT_EQ(error_kind([&] { session.save(folder_ / "saved"); }), ErrorKind::kUnsupported);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "saved"));
  before.append(document, {.skip = 300});
  EXPECT_EQ(before.position(), 100) << "nothing is left of it";
  session.reset();
  EXPECT_EQ(session.position(), 0);
  session.feed(tokens(500, 600));
  EXPECT_EQ(logits_of(session), logits_of(before));
}

}  // namespace
}  // namespace pith::test
