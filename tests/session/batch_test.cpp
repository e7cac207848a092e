#include <gtest/gtest.h>
#include <pith/pith.h>

#include <atomic>
#include <cstring>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/refusal.h"
#include "support/session_inputs.h"
#include "support/tiny_model.h"

namespace pith::test {
namespace {

/// Options that have little in common.
std::vector<SessionOptions> kinds() {
  std::vector<SessionOptions> all;
  for (const char* codec : {"int4", "f16", "int8", "f32-rotated", "int2", "int4"})
    all.push_back({.kv = {codec}, .context = 4096});
  all.push_back({.kv = {.key = "int3", .value = "f16"}, .context = 4096});
  SessionOptions sparse{.kv = {"int4"}, .context = 4096};
  sparse.kv.read_share = 0.5;
  sparse.kv.read_pages_min = 1;
  all.push_back(sparse);
  for (const char* policy : {"h2o", "window"}) {
    SessionOptions evicting{.kv = {"int4"}, .context = 4096};
    evicting.eviction.policy = policy;
    evicting.eviction.budget_tokens = 256;
    evicting.eviction.recent = 64;
    evicting.eviction.interval = 64;
    all.push_back(evicting);
  }
  return all;
}

class BatchTest : public testing::Test {
 protected:
  BatchTest() { spec_.sliding_window = 0; }

  std::vector<Session> sessions() const {
    std::vector<Session> made;
    for (const SessionOptions& options : kinds()) made.emplace_back(model_, options);
    return made;
  }

  TinyModelSpec spec_;
  const TempDir folder_;
  const Model model_ = Model::load(write_tiny_model({}, folder_));
};

/// What each of some sessions is fed next: prompts and single tokens, of lengths that end anywhere in a page.
std::vector<std::vector<Token>> next_tokens(const Model& model, std::size_t sessions, unsigned round) {
  const std::size_t lengths[] = {1, 130, 1, 64, 700, 3, 1, 1, 333, 65};
  std::vector<std::vector<Token>> tokens;
  for (std::size_t s = 0; s < sessions; ++s) {
    const unsigned seed = 100 * round + static_cast<unsigned>(s);
    tokens.push_back(random_tokens(model, lengths[(s + 3 * round) % std::size(lengths)], seed));
  }
  return tokens;
}

TEST_F(BatchTest, GivesEachSessionWhatItGetsAlone) {
  std::vector<Session> alone = sessions();
  std::vector<std::vector<std::vector<float>>> expected;
  constexpr unsigned kRounds = 4;
  for (unsigned round = 0; round < kRounds; ++round) {
    expected.emplace_back();
    const auto tokens = next_tokens(model_, alone.size(), round);
    for (std::size_t s = 0; s < alone.size(); ++s) {
      alone[s].feed(tokens[s]);
      expected.back().push_back(logits_of(alone[s]));
    }
  }
  for (const int batch_tokens : {384, 29}) {
    for (const int threads : {1, 3}) {
      std::vector<Session> together = sessions();
      Batch batch(model_, {.batch_tokens = batch_tokens, .threads = threads});
      for (unsigned round = 0; round < kRounds; ++round) {
        const auto tokens = next_tokens(model_, together.size(), round);
        for (std::size_t s = 0; s < together.size(); ++s) EXPECT_EQ(batch.add(together[s], tokens[s]), s);
        ASSERT_TRUE(batch.run());
        for (std::size_t s = 0; s < together.size(); ++s) {
          ASSERT_EQ(batch.error(s), nullptr);
          const std::span<const float> got = batch.logits(s);
          EXPECT_EQ(std::vector<float>(got.begin(), got.end()), expected[round][s])
              << "session " << s << ", round " << round << ", " << threads << " threads, batches of " << batch_tokens;
        }
      }
      for (std::size_t s = 0; s < together.size(); ++s)
        EXPECT_EQ(together[s].kv_stats().bytes, alone[s].kv_stats().bytes) << "session " << s;
    }
  }
}

TEST_F(BatchTest, WindowsAndLayersOfOtherKindsAreNoExceptions) {
  TinyModelSpec spec;
  spec.architecture = "gemma3";
  spec.layers = 7;
  spec.sliding_window = 100;
  const Model model = Model::load(write_tiny_model(spec, folder_, "gemma"));
  std::vector<Session> alone;
  std::vector<Session> together;
  for (int s = 0; s < 3; ++s) {
    alone.emplace_back(model, SessionOptions{.kv = {"int4"}});
    together.emplace_back(model, SessionOptions{.kv = {"int4"}});
  }
  Batch batch(model);
  for (unsigned round = 0; round < 3; ++round) {
    for (std::size_t s = 0; s < alone.size(); ++s) {
      const std::vector<Token> tokens = random_tokens(model, 1 + 150 * s + round, round);
      alone[s].feed(tokens);
      batch.add(together[s], tokens);
    }
    ASSERT_TRUE(batch.run());
    for (std::size_t s = 0; s < alone.size(); ++s) EXPECT_EQ(logits_of(together[s]), logits_of(alone[s])) << s;
  }
}

TEST_F(BatchTest, AnErrorEndsItsStepAlone) {
  Session full(model_, {.context = 10});
  Session fine(model_);
  Session wrong(model_);
  Session alone(model_);
  const std::vector<Token> tokens = random_tokens(model_, 20, 1);
  Batch batch(model_);
  batch.add(full, tokens);
  batch.add(fine, tokens);
  batch.add(wrong, model_.info().vocab);
  EXPECT_TRUE(batch.run());
  expect_error(ErrorKind::kContextFull, "10", [&] { static_cast<void>(batch.logits(0)); });
  EXPECT_EQ(batch.error(1), nullptr);
  expect_error(ErrorKind::kContextFull, "10", [&] { batch.rethrow_error(); });
  expect_error(ErrorKind::kInvalidArgument, "vocabulary", [&] { std::rethrow_exception(batch.error(2)); });
  EXPECT_EQ(full.position(), 0);
  EXPECT_EQ(wrong.position(), 0);
  alone.feed(tokens);
  EXPECT_EQ(logits_of(fine), logits_of(alone));
}

/// What a codec of the caller's own throws: no pith::Error.
struct Mine : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Float32 rows. Throws, or makes them NaN, when it is told to.
class Faulty final : public KvCodec {
 public:
  enum Fault { kNone, kThrows, kMakesNan };

  Faulty(const CodecShape& shape, const std::atomic<Fault>& fault) : KvCodec(shape), fault_(fault) {}

  std::size_t page_bytes() const override { return kPageTokens * shape().size * sizeof(float); }
  void encode(std::span<const float> rows, std::size_t, std::span<std::byte> page) const override {
    if (fault_ == kThrows) throw Mine("encode");
    std::vector<float> stored(rows.begin(), rows.end());
    if (fault_ == kMakesNan) stored[20 * shape().size] = std::numeric_limits<float>::quiet_NaN();
    std::memcpy(page.data(), stored.data(), page.size());
  }
  void decode(std::span<const std::byte> page, std::span<float> rows) const override {
    std::memcpy(rows.data(), page.data(), page.size());
  }

 private:
  const std::atomic<Fault>& fault_;
};

class BatchFault : public BatchTest {
 protected:
  Session faulty() {
    auto registry = std::make_shared<CodecRegistry>();
    registry->add("faulty", [&](const CodecShape& s) { return std::make_unique<Faulty>(s, fault_); });
    return Session(model_, {.kv = {.key = "faulty", .value = "faulty", .codecs = registry}, .context = 2048});
  }

  std::atomic<Faulty::Fault> fault_ = Faulty::kNone;
  const std::vector<Token> tokens_ = random_tokens(model_, 500, 1);
};

TEST_F(BatchFault, InTheMiddleOfAPassReachesItsOwnStepAlone) {
  std::vector<Session> good;
  std::vector<Session> alone;
  for (int i = 0; i < 2; ++i) {
    good.emplace_back(model_, SessionOptions{.kv = {"int4"}});
    alone.emplace_back(model_, SessionOptions{.kv = {"int4"}});
  }
  Session bad = faulty();
  Batch batch(model_);
  const auto add_all = [&](std::size_t first, std::size_t count) {
    batch.add(good[0], std::span(tokens_).subspan(first, count));
    batch.add(bad, std::span(tokens_).subspan(first, count));
    batch.add(good[1], std::span(tokens_).subspan(first, 2 * count));
    alone[0].feed(std::span(tokens_).subspan(first, count));
    alone[1].feed(std::span(tokens_).subspan(first, 2 * count));
  };
  add_all(0, 100);
  ASSERT_TRUE(batch.run());
  fault_ = Faulty::kThrows;
  add_all(200, 90);
  ASSERT_TRUE(batch.run());
  EXPECT_THROW(std::rethrow_exception(batch.error(1)), Mine);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(batch.error(2 * i), nullptr);
    EXPECT_EQ(logits_of(good[i]), logits_of(alone[i])) << i;
  }
  fault_ = Faulty::kNone;
  Session whole = faulty();
  whole.feed(std::span(tokens_).first(100));
  whole.feed(std::span(tokens_).subspan(400, 70));
  bad.feed(std::span(tokens_).subspan(400, 70));
  EXPECT_EQ(logits_of(bad), logits_of(whole));
}

TEST_F(BatchFault, LogitsThatAreNotFiniteAreOneStepsError) {
  Session good(model_);
  Session alone(model_);
  Session bad = faulty();
  fault_ = Faulty::kMakesNan;
  Batch batch(model_);
  batch.add(bad, std::span(tokens_).first(100));
  batch.add(good, std::span(tokens_).first(100));
  ASSERT_TRUE(batch.run());
  alone.feed(std::span(tokens_).first(100));
  expect_error(ErrorKind::kNumeric, "logit", [&] { static_cast<void>(batch.logits(0)); });
  EXPECT_EQ(logits_of(good), logits_of(alone));
  EXPECT_EQ(bad.position(), 100) << "what was fed stays";
}

TEST_F(BatchTest, MisuseIsNamed) {
  Session session(model_);
  const Model other = Model::load(write_tiny_model({.seed = 2}, folder_, "other"));
  Session stranger(other);
  Batch batch(model_);
  EXPECT_TRUE(batch.run()) << "of no steps";
  batch.add(session, 1);
  expect_error(ErrorKind::kInvalidArgument, "same session as step 0", [&] { batch.add(session, 2); });
  expect_error(ErrorKind::kInvalidArgument, "another model", [&] { batch.add(stranger, 2); });
  EXPECT_EQ(batch.size(), 1U);
  expect_error(ErrorKind::kInvalidArgument, "step 1", [&] { static_cast<void>(batch.error(1)); });
  EXPECT_TRUE(batch.run());
  EXPECT_TRUE(batch.run()) << "which has nothing to do";
  EXPECT_EQ(session.position(), 1);
  EXPECT_EQ(batch.add(session, 2), 0U) << "a new batch";
  for (const int tokens : {0, -1, 4097})
    expect_error(ErrorKind::kInvalidArgument, "batch_tokens", [&] { Batch(model_, {.batch_tokens = tokens}); });
  expect_error(ErrorKind::kInvalidArgument, "threads", [&] { Batch(model_, {.threads = -1}); });
}

TEST_F(BatchTest, AStopRequestEndsIt) {
  Session session(model_);
  Batch batch(model_);
  batch.add(session, random_tokens(model_, 100, 1));
  std::stop_source stop;
  stop.request_stop();
  EXPECT_FALSE(batch.run(stop.get_token()));
  EXPECT_EQ(session.position(), 0);
}

/// Asks for a stop as soon as a page is encoded.
class Stopping final : public KvCodec {
 public:
  Stopping(const CodecShape& shape, std::stop_source& stop) : KvCodec(shape), stop_(stop) {}

  std::size_t page_bytes() const override { return kPageTokens * shape().size * sizeof(float); }
  void encode(std::span<const float> rows, std::size_t, std::span<std::byte> page) const override {
    stop_.request_stop();
    std::memcpy(page.data(), rows.data(), page.size());
  }
  void decode(std::span<const std::byte> page, std::span<float> rows) const override {
    std::memcpy(rows.data(), page.data(), page.size());
  }

 private:
  std::stop_source& stop_;
};

TEST_F(BatchTest, WhatWasFedBeforeAStopStaysWithItsLogits) {
  std::stop_source stop;
  auto registry = std::make_shared<CodecRegistry>();
  registry->add("stopping", [&](const CodecShape& s) { return std::make_unique<Stopping>(s, stop); });
  Session stopping(model_, {.kv = {.key = "stopping", .value = "stopping", .codecs = registry}});
  Session other(model_);
  const std::vector<Token> tokens = random_tokens(model_, 300, 1);
  Batch batch(model_, {.batch_tokens = 100});
  batch.add(stopping, tokens);
  batch.add(other, tokens);
  EXPECT_FALSE(batch.run(stop.get_token()));
  EXPECT_EQ(stopping.position(), 100);
  EXPECT_EQ(other.position(), 0);
  EXPECT_EQ(batch.error(0), nullptr);
  EXPECT_EQ(batch.logits(0).size(), static_cast<std::size_t>(model_.info().vocab));
}

}  // namespace
}  // namespace pith::test
