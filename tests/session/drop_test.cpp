#include <gtest/gtest.h>
#include <pith/pith.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "session/chat_fixture.h"
#include "support/session_inputs.h"
#include "support/tiny_model.h"

// Tokens that are taken out of the middle of a session.
namespace pith::test {
namespace {

class DroppingSession : public testing::Test {
 protected:
  Model load(const TinyModelSpec& spec) const { return Model::load(write_tiny_model(spec, folder_)); }
  std::span<const Token> tokens(std::size_t first, std::size_t end) const {
    return std::span(tokens_).subspan(first, end - first);
  }

  const TempDir folder_;
  const Model model_ = load({});
  const std::vector<Token> tokens_ = random_tokens(model_, 2000, 1);
};

void expect_same_session(const Session& session, const Session& other) {
  EXPECT_EQ(logits_of(session), logits_of(other));
  EXPECT_TRUE(std::ranges::equal(session.tokens(), other.tokens()));
  EXPECT_EQ(session.kv_stats().bytes, other.kv_stats().bytes);
  EXPECT_EQ(session.kv_stats().held_tokens, other.kv_stats().held_tokens);
}

double distance(const std::vector<float>& got, const std::vector<float>& expected) {
  double largest = 0;
  for (std::size_t i = 0; i < got.size(); ++i)
    largest = std::max(largest, std::abs(static_cast<double>(got[i]) - static_cast<double>(expected[i])));
  return largest;
}

/// In a model of one layer, keys and values do not depend on other tokens: what is left is what would have been.
TEST_F(DroppingSession, OfOneLayerIsOneThatNeverHadTheTokens) {
  for (const bool windows : {false, true}) {
    TinyModelSpec spec = windows ? tiny_windows() : TinyModelSpec{};
    spec.layers = 1;
    ModelOptions exact;
    exact.arithmetic = Arithmetic::kF32;
    const Model model = Model::load(write_tiny_model(spec, folder_, "one"), exact);
    Session session(model, with_marks("f32"));
    session.feed(tokens(0, 700));
    session.drop(50, 250);
    session.feed(tokens(700, 705));
    session.drop(100, 64);
    session.feed(tokens(705, 740));
    std::vector<Token> left(tokens_.begin(), tokens_.begin() + 50);
    left.insert(left.end(), tokens_.begin() + 300, tokens_.begin() + 740);
    left.erase(left.begin() + 100, left.begin() + 164);
    EXPECT_TRUE(std::ranges::equal(session.tokens(), left));
    EXPECT_EQ(session.position(), static_cast<int>(left.size()));
    Session never(model, with_marks("f32"));
    never.feed(left);
    EXPECT_LT(distance(logits_of(session), logits_of(never)), 2e-3) << windows;
    Session whole(model, with_marks("f32"));
    whole.feed(tokens(0, 740));
    if (!windows) {
      EXPECT_GT(distance(logits_of(session), logits_of(whole)), 5e-3) << "the test tells them apart";
    }
  }
}

TEST_F(DroppingSession, DoesNotDependOnThreadsNorOnHowTokensAreFed) {
  for (const char* codec : {"f16", "int8", "int4", "int2", "kivi4", "turboquant-mse4"}) {
    SessionOptions options = with_marks(codec);
    Session one(model_, options);
    options.threads = 2;
    options.batch_tokens = 37;
    Session other(model_, options);
    for (Session* session : {&one, &other}) {
      session->feed(tokens(0, 600));
      session->drop(30, 333);
    }
    one.feed(tokens(600, 900));
    for (std::size_t i = 600; i < 700; ++i) other.feed(tokens(i, i + 1));
    other.feed(tokens(700, 900));
    expect_same_session(one, other);
  }
}

TEST_F(DroppingSession, ForksShareNothingOfIt) {
  Session session(model_, with_marks("int4"));
  session.feed(tokens(0, 500));
  Session fork = session.fork();
  Session untouched = session.fork();
  fork.drop(10, 300);
  session.feed(tokens(500, 600));
  untouched.feed(tokens(500, 600));
  expect_same_session(session, untouched);
  EXPECT_EQ(fork.position(), 200);
}

TEST_F(DroppingSession, GoesOnWithinItsContextForEver) {
  SessionOptions options = with_marks("int4");
  options.context = 300;
  Session session(model_, options);
  std::size_t bytes = 0;
  for (int round = 0; round < 30; ++round) {
    session.feed(std::vector<Token>(static_cast<std::size_t>(300 - session.position()), 7));
    EXPECT_EQ(error_kind([&] { session.feed(std::vector<Token>(1, 7)); }), ErrorKind::kContextFull);
    if (round == 4) bytes = session.kv_stats().bytes;
    session.drop(8, 146);
  }
  EXPECT_LE(session.kv_stats().bytes, bytes);
  EXPECT_EQ(session.kv_stats().held_tokens, session.position());
  EXPECT_EQ(session.kv_stats().tokens, session.position());
}

TEST_F(DroppingSession, MarksBeforeItLeadBackAndThoseAfterItLoseTheTokensToo) {
  for (const char* codec : {"int8", "int4"}) {
    Session session(model_, with_marks(codec));
    std::vector<Session> then;
    for (const std::size_t point : {100UL, 300UL, 500UL, 640UL}) {
      session.feed(tokens(static_cast<std::size_t>(session.position()), point));
      session.mark();
      then.push_back(session.fork());
    }
    session.feed(tokens(640, 700));
    session.drop(200, 150);
    EXPECT_EQ(session.marks(), (std::vector<int>{100, 350, 490}));
    // As if that had been done there.
    Session fork = session.fork();
    EXPECT_EQ(fork.truncate(350), 0);
    then[2].drop(200, 150);
    expect_same_session(fork, then[2]);
    fork.feed(tokens(800, 900));
    then[2].feed(tokens(800, 900));
    expect_same_session(fork, then[2]);
    EXPECT_EQ(session.truncate(100), 0);
    expect_same_session(session, then[0]);
    EXPECT_EQ(session.marks(), (std::vector<int>{100}));
    session.feed(tokens(800, 900));
    then[0].feed(tokens(800, 900));
    expect_same_session(session, then[0]);
  }
}

TEST_F(DroppingSession, TakesBackWhatCameAfterIt) {
  SessionOptions options = with_marks("int8");
  options.marks_share = 0.0;
  Session session(model_, options);
  session.feed(tokens(0, 500));
  session.drop(50, 100);
  session.feed(tokens(500, 530));
  const Session then = session.fork();
  session.feed(tokens(530, 700));
  EXPECT_LE(session.truncate(430), 64);
  expect_same_session(session, then);
  EXPECT_EQ(error_kind([&] { session.truncate(300); }), ErrorKind::kInvalidArgument) << "before the drop";
  expect_same_session(session, then);
}

TEST_F(DroppingSession, OfTheLastTokensIsATruncation) {
  Session session(model_, with_marks("int8"));
  session.feed(tokens(0, 300));
  const Session then = session.fork();
  session.feed(tokens(300, 400));
  session.drop(300, 100);
  expect_same_session(session, then);
  session.drop(100, 0);
  expect_same_session(session, then);
  session.drop(0, 300);
  EXPECT_EQ(session.position(), 0);
}

TEST_F(DroppingSession, SavesAndRestores) {
  for (const char* codec : {"int8", "int4"}) {
    Session session(model_, with_marks(codec));
    session.feed(tokens(0, 600));
    session.drop(20, 300);
    session.feed(tokens(600, 650));
    session.drop(200, 20);
    session.save(folder_ / "session");
    EXPECT_EQ(snapshot_info(folder_ / "session").version, 4);
    Session restored = Session::restore(model_, folder_ / "session");
    expect_same_session(restored, session);
    for (Session* each : {&restored, &session}) {
      each->feed(tokens(700, 900));
      each->drop(100, 64);
      each->feed(tokens(900, 930));
    }
    expect_same_session(restored, session);
  }
}

TEST_F(DroppingSession, OffersNoPrefixToOthers) {
  SessionOptions options = with_marks("int8");
  options.share_prefixes = true;
  for (const bool compacts : {false, true}) {
    Session session(model_, options);
    session.feed(tokens(0, 300));
    if (compacts) {
      session.compact(100, {.policy = "window"});
    } else {
      session.drop(64, 64);
    }
    session.feed(tokens(300, 400));
    const std::vector<Token> held(session.tokens().begin(), session.tokens().end());
    Session other(model_, options);
    other.feed(held);
    Session alone(model_, with_marks("int8"));
    alone.feed(held);
    EXPECT_EQ(logits_of(other), logits_of(alone)) << compacts;
  }
}

TEST_F(DroppingSession, RefusesByKind) {
  Session session(model_, with_marks("int8"));
  session.feed(tokens(0, 300));
  for (const auto& [first, count] : {std::pair(-1, 5), {0, -1}, {301, 0}, {200, 101}})
    EXPECT_EQ(error_kind([&, f = first, c = count] { session.drop(f, c); }), ErrorKind::kInvalidArgument);
  session.drop(10, 100);
  EvictionOptions window;
  window.policy = "window";
  EXPECT_EQ(error_kind([&] { session.compact(100, window); }), ErrorKind::kUnsupported);

  SessionOptions evicting = with_marks("int8");
  evicting.eviction.policy = "h2o";
  SessionOptions sparse = with_marks("int8");
  sparse.kv.read_share = 0.5;
  for (const SessionOptions& options : {evicting, sparse}) {
    Session other(model_, options);
    other.feed(tokens(0, 300));
    EXPECT_EQ(error_kind([&] { other.drop(10, 100); }), ErrorKind::kUnsupported);
    EXPECT_EQ(other.position(), 300);
  }
  Session compacted(model_, with_marks("int8"));
  compacted.feed(tokens(0, 300));
  compacted.compact(100, window);
  EXPECT_EQ(error_kind([&] { compacted.drop(10, 100); }), ErrorKind::kUnsupported);
}

TEST_F(DroppingSession, IsRefusedWherePositionsDoNotMove) {
  for (const char* architecture : {"gpt2", "mistral3"}) {
    TinyModelSpec spec;
    spec.architecture = architecture;
    Session session(load(spec), with_marks("int8"));
    session.feed(tokens(0, 300));
    EXPECT_EQ(error_kind([&] { session.drop(10, 100); }), ErrorKind::kUnsupported) << architecture;
    EXPECT_EQ(error_kind([&] { session.append(session.fork()); }), ErrorKind::kUnsupported) << architecture;
    session.drop(200, 100);
    EXPECT_EQ(session.position(), 200) << "a truncation";
  }
}

class Shifting : public DroppingSession {
 protected:
  static GenerateOptions options(int keep, int lookup) {
    GenerateOptions options = letters(700);
    options.shift_keep = keep;
    options.lookup_tokens = lookup;
    return options;
  }
  Session session() const {
    SessionOptions options = with_marks("int4");
    options.context = 160;
    return Session(model_, options);
  }
};

TEST_F(Shifting, GoesOnWhereTheContextEnds) {
  Session ends = session();
  EXPECT_EQ(ends.generate(tokens(0, 20), options(-1, 0)).reason, FinishReason::kContext);
  std::string expected;
  for (const int lookup : {0, 8}) {
    Session goes_on = session();
    const Generation generation = goes_on.generate(tokens(0, 20), options(12, lookup));
    EXPECT_EQ(generation.reason, FinishReason::kLength);
    EXPECT_EQ(generation.tokens.size(), 700U);
    EXPECT_LE(goes_on.position(), 160);
    EXPECT_TRUE(std::ranges::equal(goes_on.tokens().first(12), tokens(0, 12)));
    if (expected.empty()) expected = generation.text;
    EXPECT_EQ(generation.text, expected) << "guesses change nothing";
  }
}

TEST_F(Shifting, KeepsAtMostHalfOfTheContext) {
  Session session = this->session();
  EXPECT_EQ(error_kind([&] { session.generate(tokens(0, 20), options(81, 0)); }), ErrorKind::kInvalidArgument);
  EXPECT_EQ(session.generate(tokens(0, 20), options(80, 0)).reason, FinishReason::kLength);
}

/// Guesses are taken back in the open page, whatever compact() did to the others.
TEST_F(DroppingSession, GuessesGoBackAfterCompacting) {
  EvictionOptions window;
  window.policy = "window";
  std::string expected;
  for (const int lookup : {0, 8}) {
    Session session(model_, with_marks("int4"));
    session.feed(tokens(0, 700));
    session.compact(200, window);
    GenerateOptions options = letters(100);
    options.lookup_tokens = lookup;
    const Generation generation = session.generate("", options);
    if (expected.empty()) expected = generation.text;
    EXPECT_EQ(generation.text, expected);
    if (lookup != 0) {
      EXPECT_GT(generation.lookup_proposed, generation.lookup_accepted);
    }
  }
}

}  // namespace
}  // namespace pith::test
