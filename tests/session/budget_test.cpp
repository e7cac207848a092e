#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pith/pith.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "session/chat_fixture.h"
#include "support/session_inputs.h"
#include "support/tiny_model.h"

// Many sessions within a limit of memory.
namespace pith::test {
namespace {

constexpr std::uint64_t kLimit = std::uint64_t{1} << 20U;

class Budget : public testing::Test {
 protected:
  std::shared_ptr<KvBudget> budget(bool with_folder, std::vector<std::byte> key = {}) const {
    KvBudgetOptions options{.bytes_max = kLimit};
    if (with_folder) options.folder = folder_ / "parked";
    options.key = std::move(key);
    return std::make_shared<KvBudget>(options);
  }
  SessionOptions within(std::shared_ptr<KvBudget> budget, const char* codec = "f16") const {
    SessionOptions options;
    options.kv.key = codec;
    options.threads = 1;
    options.kv_budget = std::move(budget);
    return options;
  }
  std::span<const Token> tokens(std::size_t first, std::size_t count) const {
    return std::span(tokens_).subspan(first, count);
  }
  /// Returns sessions that take turns, and expects of each what it would be without a limit.
  void take_turns(const SessionOptions& options, int sessions, const std::shared_ptr<KvBudget>& budget) const {
    SessionOptions alone = options;
    alone.kv_budget = nullptr;
    std::vector<Session> limited;
    std::vector<Session> free;
    for (int i = 0; i < sessions; ++i) {
      limited.emplace_back(model_, options);
      free.emplace_back(model_, alone);
    }
    for (std::size_t turn = 0; turn < 4; ++turn) {
      for (std::size_t i = 0; i < limited.size(); ++i) {
        limited[i].feed(tokens(100 * i + 300 * turn, 250));
        free[i].feed(tokens(100 * i + 300 * turn, 250));
        ASSERT_EQ(logits_of(limited[i]), logits_of(free[i])) << i << " " << turn;
        EXPECT_LE(budget->stats().bytes, kLimit);
      }
    }
    EXPECT_EQ(budget->stats().sessions, limited.size());
    EXPECT_GT(budget->stats().parkings, limited.size());
    EXPECT_GT(budget->stats().returns, limited.size());
  }

  /// Returns sessions of so many tokens, of which there are enough for one to be parked.
  std::vector<Session> others_until_one_is_parked(const std::shared_ptr<KvBudget>& budget, std::size_t count) const {
    std::vector<Session> others;
    while (budget->stats().parked == 0) {
      others.emplace_back(model_, within(budget));
      others.back().feed(tokens(0, count));
    }
    return others;
  }

  const TempDir folder_;
  /// A session of 1,000 tokens takes a quarter of the limit in f16.
  const Model model_ = Model::load(write_tiny_model({}, folder_));
  const std::vector<Token> tokens_ = random_tokens(model_, 4000, 1);
};

TEST_F(Budget, SessionsThatAreParkedGoOnBitForBit) {
  for (const char* codec : {"f16", "int4"}) {
    const auto budget = this->budget(true);
    take_turns(within(budget, codec), std::string(codec) == "f16" ? 8 : 20, budget);
  }
}

TEST_F(Budget, PoliciesAndHolesComeBackToo) {
  const auto budget = this->budget(true);
  SessionOptions options = within(budget);
  options.eviction.policy = "h2o";
  options.eviction.budget_tokens = 700;
  take_turns(options, 8, budget);

  const auto other = this->budget(true);
  Session holed(model_, within(other));
  holed.feed(tokens(0, 700));
  holed.drop(20, 300);
  Session same = holed.fork();
  std::vector<Session> more = others_until_one_is_parked(other, 700);
  more.clear();
  for (Session* session : {&holed, &same}) session->feed(tokens(800, 100));
  EXPECT_EQ(logits_of(holed), logits_of(same));
}

TEST_F(Budget, EncryptsWhatItWrites) {
  const auto budget = this->budget(true, std::vector<std::byte>(32, std::byte{7}));
  take_turns(within(budget), 8, budget);
  EXPECT_EQ(error_kind([&] { this->budget(true, std::vector<std::byte>(31)); }), ErrorKind::kInvalidArgument);
}

TEST_F(Budget, SaysWhatDoesNotFitAndChangesNothing) {
  const auto budget = this->budget(false);
  std::vector<Session> sessions;
  sessions.reserve(10);
  Error error(ErrorKind::kInternal, "none");
  try {
    for (int i = 0; i < 10; ++i) {
      sessions.emplace_back(model_, within(budget));
      sessions.back().feed(tokens(0, 700));
    }
    FAIL() << "all of them fit";
  } catch (const Error& thrown) {
    error = thrown;
  }
  EXPECT_EQ(error.kind(), ErrorKind::kOutOfMemory);
  EXPECT_THAT(error.what(), testing::HasSubstr("the budget is 1048576"));
  EXPECT_LE(budget->stats().bytes, kLimit);
  // With one session fewer, it goes on where it was.
  sessions.erase(sessions.begin());
  Session& last = sessions.back();
  const auto held = static_cast<std::size_t>(last.position());
  last.feed(tokens(held, 700 - held));
  Session fresh(model_, within(nullptr));
  fresh.feed(tokens(0, 700));
  EXPECT_EQ(logits_of(last), logits_of(fresh));
}

TEST_F(Budget, CountsSharedPagesOnce) {
  const auto budget = this->budget(false);
  Session first(model_, within(budget));
  first.feed(tokens(0, 640));
  const std::uint64_t one = budget->stats().bytes;
  std::vector<Session> forks;
  forks.reserve(10);
  for (int i = 0; i < 10; ++i) forks.push_back(first.fork());
  EXPECT_LT(budget->stats().bytes, 2 * one) << "tables alone";
  forks.clear();
  EXPECT_LE(budget->stats().bytes, one);
  first.reset();
  EXPECT_LT(budget->stats().bytes, one / 4);
}

TEST_F(Budget, DropsMarksBeforeItParks) {
  const auto budget = this->budget(true);
  SessionOptions options = within(budget, "int4");
  options.marks_share = 100.0;
  Session marked(model_, options);
  for (std::size_t at = 0; at < 1200; at += 100) {
    marked.feed(tokens(at, 100));
    marked.mark();
  }
  std::vector<Session> more;
  while (budget->stats().marks_dropped == 0) {
    more.emplace_back(model_, within(budget));
    more.back().feed(tokens(0, 300));
  }
  EXPECT_EQ(budget->stats().marks_dropped, 12U);
  EXPECT_EQ(budget->stats().parked, 0U);
  EXPECT_EQ(marked.kv_stats().marks, 0);
}

TEST_F(Budget, ComputesAgainWhatWasDamagedInTheFolder) {
  const auto budget = this->budget(true);
  Session first(model_, within(budget));
  first.feed(tokens(0, 900));
  std::vector<Session> more = others_until_one_is_parked(budget, 900);
  more.clear();
  int damaged = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_ / "parked")) {
    if (!entry.is_regular_file()) continue;
    std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(5000);
    file.put('x');
    ++damaged;
  }
  ASSERT_EQ(damaged, 1);
  first.feed(tokens(900, 50));
  Session fresh(model_, within(nullptr));
  fresh.feed(tokens(0, 950));
  EXPECT_EQ(logits_of(first), logits_of(fresh));
}

TEST_F(Budget, ResetsWhatIsParkedWithoutReadingIt) {
  const auto budget = this->budget(true);
  Session first(model_, within(budget));
  first.feed(tokens(0, 900));
  std::vector<Session> more = others_until_one_is_parked(budget, 900);
  first.reset();
  EXPECT_EQ(budget->stats().parked, 0U);
  EXPECT_EQ(budget->stats().returns, 0U);
  more.clear();
  first.feed(tokens(100, 200));
  Session fresh(model_, within(nullptr));
  fresh.feed(tokens(100, 200));
  EXPECT_EQ(logits_of(first), logits_of(fresh));
}

TEST_F(Budget, LeavesAnEmptyFolder) {
  {
    const auto budget = this->budget(true);
    take_turns(within(budget), 8, budget);
    EXPECT_FALSE(std::filesystem::is_empty(folder_ / "parked"));
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder_ / "parked"));
}

TEST_F(Budget, DoesNotParkWhatCannotBeSaved) {
  const auto budget = this->budget(true);
  SessionOptions sparse = within(budget);
  sparse.kv.read_share = 0.5;
  std::vector<Session> sessions;
  const auto fill = [&] {
    for (int i = 0; i < 10; ++i) {
      sessions.emplace_back(model_, sparse);
      sessions.back().feed(tokens(0, 700));
    }
  };
  EXPECT_EQ(error_kind(fill), ErrorKind::kOutOfMemory);
  EXPECT_EQ(budget->stats().parkings, 0U);
}

TEST_F(Budget, TakesInWhatIsRestored) {
  const auto budget = this->budget(false);
  Session session(model_, within(nullptr));
  session.feed(tokens(0, 640));
  session.save(folder_ / "saved");
  const std::uint64_t before = budget->stats().bytes;
  const Session restored = Session::restore(model_, folder_ / "saved", {.threads = 1, .kv_budget = budget});
  EXPECT_EQ(budget->stats().sessions, 1U);
  EXPECT_GT(budget->stats().bytes, before + 100000);
}

TEST_F(Budget, IsSharedByThreads) {
  constexpr int kThreads = 4;
  const auto budget = this->budget(true);
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      const auto offset = static_cast<std::size_t>(t);
      std::vector<Session> sessions;
      sessions.reserve(3);
      for (int i = 0; i < 3; ++i) sessions.emplace_back(model_, within(budget));
      for (std::size_t turn = 0; turn < (PITH_SANITIZED != 0 ? 3 : 6); ++turn) {
        for (std::size_t i = 0; i < sessions.size(); ++i) {
          try {
            sessions[i].feed(tokens(100 * i + 10 * offset + 200 * turn, 150));
            const Session fork = sessions[i].fork();
            if (fork.kv_stats().tokens != sessions[i].position()) ++wrong;
          } catch (const Error& error) {
            // All others may be in use at that moment.
            if (error.kind() != ErrorKind::kOutOfMemory) ++wrong;
            sessions[i].reset();
          }
        }
      }
      for (Session& session : sessions) {
        Session fresh(model_, within(nullptr));
        fresh.feed(session.tokens());
        if (session.position() != 0 && logits_of(session) != logits_of(fresh)) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_GT(budget->stats().parkings, 0U);
}

TEST_F(Budget, RefusesALimitThatHoldsNothing) {
  EXPECT_EQ(error_kind([] { const KvBudget budget({.bytes_max = 1000}); }), ErrorKind::kInvalidArgument);
  EXPECT_EQ(error_kind([] { const KvBudget budget({.bytes_max = kLimit, .folder = "/proc/no/such"}); }),
            ErrorKind::kIo);
}

}  // namespace
}  // namespace pith::test
