#include <gtest/gtest.h>
#include <pith/pith.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "support/paths.h"
#include "support/session_inputs.h"
#include "support/tiny_model.h"

// Prefixes that outlive sessions and processes: the bits are those of a session that computes everything.
namespace pith::test {
namespace {

namespace fs = std::filesystem;

class StoredPrefix : public testing::TestWithParam<std::string> {
 protected:
  /// A store of the folder as a new process would open it.
  std::shared_ptr<PrefixStore> store(std::uint64_t bytes_max = std::uint64_t{1} << 30U) const {
    return std::make_shared<PrefixStore>(PrefixStoreOptions{folder_ / "store", bytes_max, {}});
  }
  SessionOptions options(std::shared_ptr<PrefixStore> store) const {
    SessionOptions options{.kv = {.key = GetParam()}, .context = 8000, .threads = 1};
    options.prefix_store = std::move(store);
    return options;
  }
  /// Feeds and marks in a session of its own.
  void fill(const Model& model, const std::shared_ptr<PrefixStore>& to, const std::vector<std::size_t>& points) const {
    Session session(model, options(to));
    for (const std::size_t point : points) {
      session.feed(std::span(tokens_).subspan(static_cast<std::size_t>(session.position()),
                                              point - static_cast<std::size_t>(session.position())));
      session.mark();
    }
  }
  /// Feeds tokens in a session with this store, and says what is different from one without.
  void expect_same(const Model& model, const std::shared_ptr<PrefixStore>& from, std::span<const Token> tokens,
                   int reused) const {
    Session session(model, options(from));
    Session alone(model, options(nullptr));
    session.feed(tokens);
    alone.feed(tokens);
    EXPECT_EQ(session.shared_tokens(), reused);
    for (int i = 0; i < 70; ++i) {
      ASSERT_EQ(logits_of(session), logits_of(alone)) << i;
      EXPECT_EQ(session.step(), alone.step());
    }
    EXPECT_EQ(session.kv_stats().bytes, alone.kv_stats().bytes);
  }
  std::vector<fs::path> files() const {
    std::vector<fs::path> files;
    for (const auto& each : fs::directory_iterator(folder_ / "store")) {
      if (each.path().extension() == ".prefix") files.push_back(each.path());
    }
    std::sort(files.begin(), files.end());
    return files;
  }

  const TempDir folder_;
  const Model model_ = Model::load(write_tiny_model({}, folder_));
  const std::vector<Token> tokens_ = random_tokens(model_, 4000, 1);
};

TEST_P(StoredPrefix, IsFoundAgain) {
  fill(model_, store(), {200, 1500, 2600});
  const auto again = store();
  expect_same(model_, again, std::span(tokens_).first(2700), 2560);
  // Another question after the same document, and one that leaves it halfway.
  std::vector<Token> other(tokens_.begin(), tokens_.begin() + 1600);
  std::fill(other.begin() + 1550, other.end(), 5);
  expect_same(model_, again, other, 1472);
  std::fill(other.begin() + 300, other.end(), 6);
  expect_same(model_, again, other, 192);
  std::fill(other.begin() + 100, other.end(), 7);
  expect_same(model_, again, other, 0);
  const PrefixStoreStats stats = again->stats();
  EXPECT_EQ(stats.found, 3U);
  EXPECT_EQ(stats.tokens_reused, 2560U + 1472U + 192U);
  EXPECT_EQ(stats.refused, 0U);
}

TEST_P(StoredPrefix, OfWindowsIsFoundAgain) {
  const Model windows = Model::load(write_tiny_model(tiny_windows(), folder_, "windows"));
  fill(windows, store(), {700, 1400});
  expect_same(windows, store(), std::span(tokens_).first(1500), 1344);
}

TEST_P(StoredPrefix, PagesAreStoredOnce) {
  fill(model_, store(), {1500, 2600, 3900});
  const std::uint64_t once = store()->stats().bytes;
  const std::size_t files_once = files().size();
  fill(model_, store(), {1500, 2600, 3900});
  EXPECT_EQ(store()->stats().bytes, once);
  Session session(model_, options(nullptr));
  session.feed(std::span(tokens_).first(3900));
  EXPECT_LT(static_cast<double>(once), 2.0 * static_cast<double>(session.kv_stats().bytes))
      << "three states would take twice as much if each had all pages";
  // Of another codec nothing is shared, and nothing taken.
  Session other(model_, {.kv = {.key = "f32"}, .context = 8000, .prefix_store = store()});
  other.feed(std::span(tokens_).first(1600));
  EXPECT_EQ(other.shared_tokens(), 0);
  other.mark();
  EXPECT_GT(files().size(), files_once);
}

TEST_P(StoredPrefix, AConversationGoesOnAfterARestart) {
  std::vector<Token> held;
  {
    Session session(model_, options(store()));
    Chat chat(session, "Be brief.");
    for (int i = 0; i < 8; ++i) chat.say("message " + std::to_string(i), {.tokens_max = 20});
    held.assign(session.tokens().begin(), session.tokens().end());
    ASSERT_GT(held.size(), 250U);
  }
  held.insert(held.end(), 30, 5);
  Session session(model_, options(store()));
  session.feed(held);
  EXPECT_GE(session.shared_tokens() + 64 + 30, static_cast<int>(held.size()));
  Session alone(model_, options(nullptr));
  alone.feed(held);
  EXPECT_EQ(logits_of(session), logits_of(alone));
}

TEST_P(StoredPrefix, HoldsItsLimit) {
  constexpr std::uint64_t kLimit = 2U << 20U;
  const auto small = store(kLimit);
  for (int first = 0; first < 12; ++first) {
    Session session(model_, options(small));
    session.feed(std::span(tokens_).subspan(static_cast<std::size_t>(first), 1500));
    session.mark();
    EXPECT_LE(small->stats().bytes, kLimit);
  }
  EXPECT_GT(small->stats().files, 0U);
  // The newest is still there.
  Session session(model_, options(small));
  session.feed(std::span(tokens_).subspan(11, 1500));
  EXPECT_EQ(session.shared_tokens(), 1472);
  // With less room it holds less.
  const auto less = store(1U << 20U);
  EXPECT_LE(less->stats().bytes, 1U << 20U);
}

TEST_P(StoredPrefix, DamageIsPassedOver) {
  fill(model_, store(), {200, 1500});
  const std::vector<fs::path> all = files();
  std::vector<std::string> sound;
  sound.reserve(all.size());
  for (const fs::path& path : all) sound.push_back(read_file(path));
  Session alone(model_, options(nullptr));
  alone.feed(std::span(tokens_).first(1600));
  const std::vector<float> expected = logits_of(alone);
  std::mt19937_64 random(1);
  std::uint64_t refused = 0;
  for (int round = 0; round < (PITH_SANITIZED != 0 ? 15 : 60); ++round) {
    const std::size_t which = random() % all.size();
    std::string damaged = sound[which];
    if (round % 5 == 0) {
      damaged.resize(random() % damaged.size());
    } else {
      const std::size_t bit = random() % (damaged.size() * 8);
      damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ static_cast<char>(1U << bit % 8));
    }
    write_file(all[which], std::as_bytes(std::span(damaged)));
    const auto damaged_store = store();
    Session session(model_, options(damaged_store));
    session.feed(std::span(tokens_).first(1600));
    ASSERT_EQ(logits_of(session), expected) << all[which] << ", round " << round;
    refused += damaged_store->stats().refused;
    for (std::size_t i = 0; i < all.size(); ++i) write_file(all[i], std::as_bytes(std::span(sound[i])));
  }
  EXPECT_GT(refused, 5U);
}

INSTANTIATE_TEST_SUITE_P(Codecs, StoredPrefix,
                         testing::ValuesIn(PITH_SANITIZED != 0 ? std::vector<std::string>{"int4"}
                                                               : std::vector<std::string>{"f16", "int4", "int2"}),
                         [](const auto& test) { return test.param; });

class PrefixStoreTest : public testing::Test {
 protected:
  static ErrorKind refusal(const PrefixStoreOptions& options) {
    try {
      const PrefixStore store(options);
    } catch (const Error& error) {
      return error.kind();
    }
    return ErrorKind::kInternal;
  }

  const TempDir folder_;
  const Model model_ = Model::load(write_tiny_model({}, folder_));
  const std::vector<Token> tokens_ = random_tokens(model_, 1700, 1);
};

TEST_F(PrefixStoreTest, RefusesWhatItCannotUse) {
  EXPECT_EQ(refusal({}), ErrorKind::kInvalidArgument);
  EXPECT_EQ(refusal({folder_ / "store", 1000, {}}), ErrorKind::kInvalidArgument);
  EXPECT_EQ(refusal({folder_ / "store", 1U << 30U, std::vector<std::byte>(5)}), ErrorKind::kInvalidArgument);
  write_file(folder_ / "file", {});
  EXPECT_EQ(refusal({folder_ / "file", 1U << 30U, {}}), ErrorKind::kIo);
}

TEST_F(PrefixStoreTest, WithAKeyNobodyElseReadsIt) {
  const PrefixStoreOptions keyed{folder_ / "store", 1U << 30U, std::vector<std::byte>(32, std::byte{7})};
  const auto feed = [&](const PrefixStoreOptions& options) {
    Session session(model_, {.context = 4000, .prefix_store = std::make_shared<PrefixStore>(options)});
    session.feed(tokens_);
    session.mark();
    return session.shared_tokens();
  };
  EXPECT_EQ(feed(keyed), 0);
  EXPECT_EQ(feed(keyed), 1664);
  EXPECT_EQ(feed({folder_ / "store", 1U << 30U, {}}), 0);
  EXPECT_EQ(feed({folder_ / "store", 1U << 30U, std::vector<std::byte>(32, std::byte{8})}), 0);
}

TEST_F(PrefixStoreTest, NothingIsStoredOfSessionsThatForget) {
  const auto store = std::make_shared<PrefixStore>(PrefixStoreOptions{folder_ / "store", 1U << 30U, {}});
  SessionOptions evicting{.context = 4000, .prefix_store = store};
  evicting.eviction.policy = "window";
  evicting.eviction.budget_tokens = 512;
  Session session(model_, evicting);
  session.feed(tokens_);
  session.mark();
  Session compacted(model_, {.context = 4000, .prefix_store = store});
  compacted.feed(tokens_);
  compacted.compact(300, {.policy = "window"});
  compacted.mark();
  EXPECT_EQ(store->stats().files, 0U);
}

/// Processes that die while they store, and others that go on beside them.
TEST_F(PrefixStoreTest, SurvivesProcessesThatAreKilled) {
  const fs::path folder = folder_ / "store";
  const auto work = [&](unsigned seed) {
    std::mt19937 random(seed);
    for (;;) {
      const auto store = std::make_shared<PrefixStore>(PrefixStoreOptions{folder, 3U << 20U, {}});
      Session session(model_, {.kv = {.key = "int4"}, .context = 4000, .threads = 1, .prefix_store = store});
      session.feed(std::span(tokens_).subspan(random() % 8, 1100));
      session.mark();
    }
  };
  Session alone(model_, {.kv = {.key = "int4"}, .context = 4000, .threads = 1});
  alone.feed(std::span(tokens_).first(1500));
  const std::vector<float> expected = logits_of(alone);
  std::mt19937 random(1);
  for (int round = 0; round < (PITH_SANITIZED != 0 ? 3 : 40); ++round) {
    std::vector<pid_t> children;
    for (unsigned child = 0; child < 2; ++child) {
      const pid_t id = ::fork();
      ASSERT_GE(id, 0);
      if (id == 0) {
        work(static_cast<unsigned>(round) * 2 + child);
        ::_exit(0);
      }
      children.push_back(id);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(random() % 60));
    for (const pid_t id : children) {
      ::kill(id, SIGKILL);
      ASSERT_EQ(::waitpid(id, nullptr, 0), id);
    }
    const auto store = std::make_shared<PrefixStore>(PrefixStoreOptions{folder, 3U << 20U, {}});
    EXPECT_LE(store->stats().bytes, 3U << 20U);
    Session session(model_, {.kv = {.key = "int4"}, .context = 4000, .threads = 1, .prefix_store = store});
    session.feed(std::span(tokens_).first(1500));
    ASSERT_EQ(logits_of(session), expected) << round;
    EXPECT_EQ(store->stats().refused, 0U) << "what is there is whole";
  }
}

}  // namespace
}  // namespace pith::test
