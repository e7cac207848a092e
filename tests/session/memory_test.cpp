#include <gtest/gtest.h>
#include <pith/pith.h>

#include <fstream>
#include <thread>

#include "support/session_inputs.h"
#include "support/tiny_model.h"

// What sessions share and what each holds.

namespace pith {
namespace {

int threads_of_process() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("Threads:")) return std::stoi(line.substr(8));
  }
  return 0;
}

class MemoryTest : public testing::Test {
 protected:
  const test::TempDir folder_;
  const Model model_ = Model::load(test::write_tiny_model({}, folder_), {.threads = 2});
};

TEST_F(MemoryTest, AnEmptySessionHoldsNextToNothing) {
  const Session session(model_);
  EXPECT_EQ(session.memory().cache, 0U);
  EXPECT_LT(session.memory().own(), 100'000U);
  EXPECT_EQ(session.memory().scratch_shared, 0U);
}

TEST_F(MemoryTest, CountsTheCacheAndSharesScratch) {
  Session one(model_);
  Session other(model_);
  one.feed(test::random_tokens(model_, 300, 1));
  const std::uint64_t scratch = one.memory().scratch_shared;
  EXPECT_GT(scratch, 0U);
  EXPECT_EQ(one.memory().cache, one.kv_stats().bytes);
  other.feed(test::random_tokens(model_, 300, 2));
  EXPECT_EQ(other.memory().scratch_shared, scratch);
  model_.release_scratch();
  EXPECT_EQ(one.memory().scratch_shared, 0U);
  // It comes again when it is needed.
  const Token token = 5;
  one.feed(std::span(&token, 1));
  EXPECT_LT(one.memory().scratch_shared, scratch);
}

TEST_F(MemoryTest, CountsTheBuffersOfTheSampler) {
  Session session(model_);
  session.feed("hello");
  const auto vocab = static_cast<std::uint64_t>(model_.info().vocab);
  const std::uint64_t before = session.memory().state;
  session.sample();  // greedy
  EXPECT_LT(session.memory().state, before + 100);
  session.set_sampling({.temperature = 0.8F});
  session.sample();
  const std::uint64_t drawn = session.memory().state;
  EXPECT_GE(drawn, before + vocab * sizeof(Candidate));
  SamplingOptions all;
  all.temperature = 0.8F;
  all.typical_p = 0.9F;
  all.repetition_penalty = 1.1F;
  all.dry_multiplier = 0.5F;
  all.logit_bias = {{3, 1.0F}};
  session.set_sampling(all);
  session.sample();
  EXPECT_GE(session.memory().state, drawn + vocab * (sizeof(float) + sizeof(std::uint32_t)));
  EXPECT_LT(session.fork().memory().state, session.memory().state - vocab * sizeof(Candidate));
}

TEST_F(MemoryTest, SessionsOfOneModelShareThreads) {
  const int before = threads_of_process();
  std::vector<Session> sessions;
  sessions.reserve(13);
  for (int i = 0; i < 6; ++i) sessions.emplace_back(model_, SessionOptions{.threads = 5});
  for (int i = 0; i < 6; ++i) sessions.emplace_back(model_, SessionOptions{.threads = 2});
  sessions.push_back(sessions.front().fork());
  EXPECT_EQ(threads_of_process(), before + 4);
  sessions.clear();
  EXPECT_EQ(threads_of_process(), before);
}

TEST_F(MemoryTest, ThreadsOfTheCallers) {
  const auto workers = std::make_shared<const WorkerPool>(3);
  EXPECT_EQ(workers->size(), 3);
  const int before = threads_of_process();
  const Model model = Model::load(folder_ / "tiny.gguf", {.workers = workers});
  Session session(model);
  Session other(model_, {.workers = workers});
  session.feed("hello");
  other.feed("hello");
  EXPECT_EQ(threads_of_process(), before);
  EXPECT_EQ(test::logits_of(session), test::logits_of(other));
  EXPECT_THROW(Session(model_, {.threads = 2, .workers = workers}), Error);
  EXPECT_THROW(Model::load(folder_ / "tiny.gguf", {.threads = 2, .workers = workers}), Error);
  EXPECT_THROW(WorkerPool(-1), Error);
  EXPECT_GE(WorkerPool::processors(), 1);
}

TEST_F(MemoryTest, SessionsThatRunAtOnceSayTheSameAsAlone) {
  const std::vector<Token> prompt = test::random_tokens(model_, 200, 3);
  const auto answer = [&] {
    Session session(model_, {.kv = {.key = "int4"}});
    return session.generate(prompt, {.tokens_max = 60, .ignore_end = true}).tokens;
  };
  const std::vector<Token> alone = answer();
  std::vector<std::vector<Token>> together(6);
  std::vector<std::thread> threads;
  threads.reserve(together.size());
  for (auto& tokens : together) threads.emplace_back([&] { tokens = answer(); });
  for (std::thread& thread : threads) thread.join();
  for (const auto& tokens : together) EXPECT_EQ(tokens, alone);
}

TEST_F(MemoryTest, SeveralThreadsForkOneSession) {
  for (const bool checksums : {false, true}) {
    SessionOptions options{.kv = {.key = "int4", .page_checksums = checksums}};
    options.eviction.policy = "knorm";
    Session base(model_, options);
    base.feed(test::random_tokens(model_, 600, 4));
    base.compact(300);
    const Session& shared = base;
    std::vector<std::vector<Token>> answers(8);
    std::vector<std::thread> threads;
    threads.reserve(answers.size());
    for (auto& tokens : answers) {
      threads.emplace_back([&] {
        for (int i = 0; i < 20; ++i) {
          Session fork = shared.fork();
          static_cast<void>(shared.kv_stats());
          static_cast<void>(shared.memory());
          tokens = fork.generate("", {.tokens_max = 4, .ignore_end = true}).tokens;
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    const std::vector<Token> expected = base.generate("", {.tokens_max = 4, .ignore_end = true}).tokens;
    for (const auto& tokens : answers) EXPECT_EQ(tokens, expected);
  }
}

TEST_F(MemoryTest, AForkSharesLogitsUntilItFeeds) {
  Session base(model_);
  base.feed("hello there");
  Session fork = base.fork();
  EXPECT_EQ(fork.logits().data(), base.logits().data());
  const std::vector<float> before = test::logits_of(base);
  fork.feed("again");
  EXPECT_EQ(test::logits_of(base), before);
  EXPECT_NE(test::logits_of(fork), before);
}

TEST_F(MemoryTest, AContextBeyondTheTrainedOneIsLogged) {
  std::vector<std::string> lines;
  ModelOptions options;
  options.log = [&](LogLevel level, std::string_view line) {
    if (level == LogLevel::kWarning) lines.emplace_back(line);
  };
  const Model model = Model::load(folder_ / "tiny.gguf", options);
  const Session within(model, {.context = 4096});
  EXPECT_TRUE(lines.empty());
  const Session beyond(model, {.context = 4097});
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_NE(lines[0].find("4097"), std::string::npos);
  EXPECT_NE(lines[0].find("4096"), std::string::npos);
}

TEST_F(MemoryTest, ValuesAreLikeKeysUnlessSaid) {
  SessionOptions options;
  EXPECT_EQ(Session(model_, options).kv_stats().key_codec, "int8");
  EXPECT_EQ(Session(model_, options).kv_stats().value_codec, "int8");
  // Assigned, as most callers do.
  options.kv.key = "int4";
  EXPECT_EQ(Session(model_, options).kv_stats().value_codec, "int4");
  EXPECT_EQ(predict_kv(model_, options.kv, 500).value_codec, "int4");
  options.kv.value = "int8";
  EXPECT_EQ(Session(model_, options).kv_stats().value_codec, "int8");
}

TEST_F(MemoryTest, LayersFollowWhatTheyLeaveOut) {
  const std::vector<Token> tokens = test::random_tokens(model_, 300, 3);
  const auto bytes = [&](const KvOptions::Layer& layer) {
    SessionOptions options{.kv = {.key = "int4", .value = "int2"}};
    options.kv.layers[1] = layer;
    Session session(model_, options);
    session.feed(tokens);
    return std::pair(session.kv_stats().layers[1].key_bytes, session.kv_stats().layers[1].value_bytes);
  };
  EXPECT_EQ(bytes({.key = "f16"}), bytes({.key = "f16", .value = "f16"}));
  EXPECT_EQ(bytes({.value = "f16"}), bytes({.key = "int4", .value = "f16"}));
  EXPECT_EQ(bytes({}), bytes({.key = "int4", .value = "int2"}));
}

}  // namespace
}  // namespace pith
