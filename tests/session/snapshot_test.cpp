#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pith/pith.h>

#include <algorithm>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "support/session_inputs.h"
#include "support/tiny_model.h"

// A restored session goes on as the one that was saved, bit for bit.
namespace pith::test {
namespace {

void expect_same(const Session& a, const Session& b) {
  EXPECT_TRUE(std::equal(a.tokens().begin(), a.tokens().end(), b.tokens().begin(), b.tokens().end()));
  EXPECT_TRUE(std::equal(a.logits().begin(), a.logits().end(), b.logits().begin(), b.logits().end()));
  EXPECT_EQ(a.context(), b.context());
  const KvStats x = a.kv_stats();
  const KvStats y = b.kv_stats();
  EXPECT_EQ(x.key_codec, y.key_codec);
  EXPECT_EQ(x.value_codec, y.value_codec);
  EXPECT_EQ(x.sealed_bytes, y.sealed_bytes);
  EXPECT_EQ(x.exact_bytes, y.exact_bytes);
  EXPECT_EQ(x.policy_bytes, y.policy_bytes);
  EXPECT_EQ(x.held_tokens, y.held_tokens);
}

/// Hot enough for models of random weights to say many things.
const SamplingOptions kSampling{.temperature = 5.0F, .top_k = 50, .repetition_penalty = 1.1F, .seed = 3};

/// Drawn tokens, then a prompt in pieces, then drawn ones again, past several borders of pages.
void expect_to_go_on_alike(Session& a, Session& b) {
  expect_same(a, b);
  std::set<Token> drawn;
  for (int i = 0; i < 70; ++i) {
    const Token token = a.step();
    drawn.insert(token);
    ASSERT_EQ(token, b.step());
  }
  // Else the random generators would not show.
  EXPECT_GT(drawn.size(), 10U);
  const std::vector<Token> more = random_tokens(a.model(), 210, 9);
  a.feed(more);
  b.feed(std::span(more).first(3));
  b.feed(std::span(more).subspan(3));
  expect_same(a, b);
  for (int i = 0; i < 10; ++i) ASSERT_EQ(a.step(), b.step());
  expect_same(a, b);
}

class SavedSession : public testing::Test {
 protected:
  Session through_a_file(const Session& session) const {
    session.save(path_);
    verify_snapshot(path_);
    return Session::restore(session.model(), path_, {.threads = 1});
  }
  void check(const Model& model, const SessionOptions& options, std::size_t count) const {
    Session session(model, options);
    session.feed(random_tokens(model, count, 1));
    session.set_sampling(kSampling);
    for (int i = 0; i < 5; ++i) session.step();
    Session restored = through_a_file(session);
    expect_to_go_on_alike(session, restored);
  }

  const TempDir folder_;
  const std::filesystem::path path_ = folder_ / "session.pith";
  const Model model_ = Model::load(write_tiny_model({.tied_output = false}, folder_));
};

class SavedCodec : public SavedSession, public testing::WithParamInterface<std::string> {};

TEST_P(SavedCodec, GoesOnAlike) {
  for (const std::size_t count : {1UL, 12UL, 59UL, 60UL, 123UL, 700UL}) {
    SCOPED_TRACE(count);
    check(model_, {.kv = {.key = GetParam()}, .context = 4096, .threads = 2}, count);
  }
}

TEST_P(SavedCodec, GoesOnAlikeWithSlidingWindows) {
  TinyModelSpec spec;
  spec.architecture = "gemma3";
  spec.tied_output = false;
  spec.layers = 6;
  spec.sliding_window = 100;
  const Model gemma = Model::load(write_tiny_model(spec, folder_, "gemma"));
  for (const std::size_t count : {30UL, 95UL, 400UL, 635UL}) {
    SCOPED_TRACE(count);
    check(gemma, {.kv = {.key = GetParam()}, .context = 2048, .threads = 2}, count);
  }
}

TEST_P(SavedCodec, GoesOnAlikeWithEviction) {
  for (const char* policy : {"h2o", "snapkv", "expected-attention", "random"}) {
    // What policies have to keep differs by policy; how it is saved does not.
    if (PITH_SANITIZED != 0 && policy != std::string_view("h2o") && GetParam() != "int4") continue;
    SCOPED_TRACE(policy);
    SessionOptions options{.kv = {.key = GetParam()}, .context = 4096, .threads = 2};
    options.eviction.policy = policy;
    options.eviction.budget_tokens = 300;
    options.eviction.recent = 16;
    options.eviction.interval = 64;
    check(model_, options, 777);
    options.eviction.budget_tokens = 0;
    options.eviction.budget_bytes = 100000;
    check(model_, options, 500);
  }
}

INSTANTIATE_TEST_SUITE_P(Codecs, SavedCodec,
                         testing::Values("f32", "f16", "int8", "int4", "int3", "int2", "kivi4", "polarquant"));

TEST_F(SavedSession, LayersWithCodecsOfTheirOwn) {
  SessionOptions options{.kv = {.key = "int8", .value = "int4"}, .context = 3000, .threads = 1, .batch_tokens = 100};
  options.kv.layers[1] = {.key = "f16", .value = "kivi2"};
  check(model_, options, 333);
  const SnapshotInfo info = snapshot_info(path_);
  EXPECT_EQ(info.options.kv.key, "int8");
  EXPECT_EQ(info.options.kv.layers.at(1).value, "kivi2");
  EXPECT_EQ(info.options.context, 3000);
  EXPECT_EQ(info.options.batch_tokens, 100);
  EXPECT_EQ(info.tokens, 338);
  EXPECT_EQ(info.sampling.seed, 3U);
  EXPECT_EQ(info.architecture, "llama");
  EXPECT_EQ(info.model_fingerprint.size(), 64U);
  EXPECT_EQ(info.file_bytes, std::filesystem::file_size(path_));
}

TEST_F(SavedSession, AnEmptySession) {
  Session session(model_, {.kv = {.key = "int4"}});
  session.set_sampling(kSampling);
  Session restored = through_a_file(session);
  EXPECT_EQ(restored.position(), 0);
  EXPECT_THROW(static_cast<void>(restored.logits()), Error);
  session.feed(random_tokens(model_, 100, 2));
  restored.feed(random_tokens(model_, 100, 2));
  expect_to_go_on_alike(session, restored);
}

TEST_F(SavedSession, LongStreamsWhosePagesArePackedAgainAndAgain) {
  for (const char* policy : {"expected-attention", "h2o", "random"}) {
    SCOPED_TRACE(policy);
    SessionOptions options{.kv = {.key = "f16"}, .context = 4096, .threads = 2};
    options.eviction.policy = policy;
    options.eviction.budget_tokens = 273;
    options.eviction.sinks = 3;
    options.eviction.recent = 52;
    options.eviction.interval = 64;
    Session session(model_, options);
    for (unsigned i = 0; i < 40; ++i) {
      session.feed(random_tokens(model_, 64, i));
      expect_same(session, through_a_file(session));
    }
  }
}

TEST_F(SavedSession, CompactedSessionsStayWhatTheyAre) {
  SessionOptions options{.kv = {.key = "int4"}, .context = 4096};
  options.eviction.policy = "snapkv";
  options.eviction.observe = {"h2o", "expected-attention"};
  Session session(model_, options);
  session.feed(random_tokens(model_, 900, 4));
  session.compact(200);
  session.set_sampling(kSampling);
  Session restored = through_a_file(session);
  EXPECT_TRUE(snapshot_info(path_).compacted);
  EXPECT_THROW(restored.truncate(10), Error);
  EvictionOptions other = options.eviction;
  other.policy = "h2o";
  session.compact(150, other);
  restored.compact(150, other);
  expect_to_go_on_alike(session, restored);
}

TEST_F(SavedSession, ForksAndTruncatedSessions) {
  Session session(model_, {.kv = {.key = "int4"}, .context = 4096});
  session.feed(random_tokens(model_, 700, 4));
  session.set_sampling(kSampling);
  Session fork = session.fork();
  fork.truncate(650);
  session.step();
  Session restored = through_a_file(fork);
  restored.truncate(600);
  fork.truncate(600);
  expect_to_go_on_alike(fork, restored);
}

TEST_F(SavedSession, GenerationKeepsItsSamplerIfAsked) {
  Session whole(model_);
  const Generation expected = whole.generate("ab", {.tokens_max = 30, .sampling = kSampling, .ignore_end = true});
  Session session(model_);
  Generation first = session.generate("ab", {.tokens_max = 12, .sampling = kSampling, .ignore_end = true});
  Session restored = through_a_file(session);
  const Generation second = restored.generate("", {.tokens_max = 18, .keep_sampler = true, .ignore_end = true});
  first.tokens.insert(first.tokens.end(), second.tokens.begin(), second.tokens.end());
  EXPECT_EQ(first.tokens, expected.tokens);
}

TEST_F(SavedSession, EncryptedOnesNeedTheirKey) {
  std::vector<std::byte> key(32, std::byte{7});
  Session session(model_, {.kv = {.key = "int4"}});
  session.feed(random_tokens(model_, 300, 4));
  session.set_sampling(kSampling);
  session.save(path_, {.key = key});
  EXPECT_TRUE(snapshot_info(path_).encrypted);
  EXPECT_EQ(snapshot_info(path_).architecture, "");
  EXPECT_EQ(snapshot_info(path_, {.key = key}).tokens, 300);
  Session restored = Session::restore(model_, path_, {.key = key});
  expect_to_go_on_alike(session, restored);
  EXPECT_THROW(Session::restore(model_, path_), Error);
  key[3] = std::byte{8};
  EXPECT_THROW(Session::restore(model_, path_, {.key = key}), Error);
  EXPECT_THROW(verify_snapshot(path_, {.key = key}), Error);
}

TEST_F(SavedSession, RealModel) {
  const auto path = find_model("gemma3");
  if (!path) GTEST_SKIP() << "no model";
  if (PITH_SANITIZED != 0) GTEST_SKIP() << "takes long under sanitizers";
  check(Model::load(*path), {.kv = {.key = "int4"}, .context = 4096, .threads = 2}, 700);
}

}  // namespace
}  // namespace pith::test
