// Sessions of one model and of two, on several threads at once; cancelling at any moment. ThreadSanitizer watches
// (scripts/test.sh --preset tsan).
#include <gtest/gtest.h>
#include <pith/pith.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <random>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "support/session_inputs.h"
#include "support/tiny_model.h"

namespace pith::test {
namespace {

/// Feeds, forks, decodes, takes back, saves and restores; the last logits.
std::vector<float> life_of_a_session(const Model& model, const std::string& codec, const std::filesystem::path& file,
                                     unsigned seed) {
  const std::vector<Token> tokens = random_tokens(model, 180, seed);
  Session session(model, {.kv = {codec}, .threads = 2, .batch_tokens = 40, .share_prefixes = seed % 2 == 0});
  session.feed(tokens);
  Session fork = session.fork();
  for (int i = 0; i < 10; ++i) fork.step();
  session.truncate(150);
  session.save(file);
  Session restored = Session::restore(model, file, {.threads = 1});
  for (int i = 0; i < 10; ++i) restored.step();
  fork.feed(restored.tokens().last(20));
  return {fork.logits().begin(), fork.logits().end()};
}

TEST(Concurrent, ManySessionsOfOneModel) {
  const TempDir folder;
  const Model model = Model::load(write_tiny_model({}, folder));
  const std::vector<std::string> codecs = {"f16", "int8", "int4", "int2", "turboquant-mse4", "f32"};
  std::vector<std::vector<float>> expected;
  for (unsigned i = 0; i < codecs.size(); ++i)
    expected.push_back(life_of_a_session(model, codecs[i], folder / "alone.pith", i));
  std::vector<std::vector<float>> results(codecs.size());
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < codecs.size(); ++i) {
    threads.emplace_back([&, i] {
      for (int round = 0; round < 3; ++round)
        results[i] = life_of_a_session(model, codecs[i], folder / (codecs[i] + ".pith"), i);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(results, expected);
}

TEST(Concurrent, ASessionMovesFromThreadToThread) {
  const TempDir folder;
  const Model model = Model::load(write_tiny_model({}, folder));
  const std::vector<Token> tokens = random_tokens(model, 120, 1);
  Session alone(model, {.kv = {"int4"}});
  alone.feed(tokens);
  Session moved(model, {.kv = {"int4"}, .threads = 3});
  for (std::size_t i = 0; i < tokens.size(); i += 30)
    std::thread([&] { moved.feed(std::span(tokens).subspan(i, 30)); }).join();
  EXPECT_TRUE(std::equal(alone.logits().begin(), alone.logits().end(), moved.logits().begin()));
}

TEST(Concurrent, TwoModelsInOneProcess) {
  const TempDir folder;
  const std::filesystem::path paths[] = {
      write_tiny_model({.tied_output = false}, folder, "llama"),
      write_tiny_model({.architecture = "qwen3", .tied_output = false, .seed = 9}, folder, "qwen3")};
  const auto run = [&](const std::filesystem::path& path) {
    const Model model = Model::load(path, {.threads = 2});
    Session session(model, {.kv = {"int4"}, .threads = 2});
    return session.generate("together", {.tokens_max = 60, .ignore_end = true}).tokens;
  };
  const std::vector<Token> expected[] = {run(paths[0]), run(paths[1])};
  EXPECT_NE(expected[0], expected[1]);
  for (int round = 0; round < 3; ++round) {
    std::vector<Token> results[2];
    std::thread other([&] { results[1] = run(paths[1]); });
    results[0] = run(paths[0]);
    other.join();
    EXPECT_EQ(results[0], expected[0]);
    EXPECT_EQ(results[1], expected[1]);
  }
}

TEST(Concurrent, CancelledAtAnyMomentASessionGoesOn) {
  const TempDir folder;
  const Model model = Model::load(write_tiny_model({}, folder));
  const std::vector<Token> tokens = random_tokens(model, 600, 2);
  const SessionOptions options{.kv = {"int4"}, .threads = 2, .batch_tokens = 16};
  Session reference(model, options);
  reference.feed(tokens);
  std::mt19937 random(3);
  int cancelled = 0;
  for (int round = 0; round < (PITH_SANITIZED != 0 ? 20 : 100); ++round) {
    Session session(model, options);
    std::size_t fed = 0;
    while (fed < tokens.size()) {
      std::stop_source stop;
      const auto after = std::chrono::microseconds(random() % 6000);
      std::jthread canceller([&] {
        std::this_thread::sleep_for(after);
        stop.request_stop();
      });
      const bool done = session.feed(std::span(tokens).subspan(fed), stop.get_token());
      const auto now = static_cast<std::size_t>(session.position());
      ASSERT_GE(now, fed);
      ASSERT_EQ(done, now == tokens.size());
      cancelled += done ? 0 : 1;
      fed = now;
    }
    ASSERT_TRUE(std::equal(reference.logits().begin(), reference.logits().end(), session.logits().begin()));
  }
  EXPECT_GT(cancelled, 0);
}

}  // namespace
}  // namespace pith::test
