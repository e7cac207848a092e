#include "base/thread_pool.h"

#include <gtest/gtest.h>
#include <pith/error.h>

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>
#include <vector>

namespace pith {
namespace {

TEST(ThreadPool, RunsEveryTaskOnce) {
  for (const int threads : {1, 2, 3, 8}) {
    ThreadPool pool(threads);
    ASSERT_EQ(pool.size(), threads);
    for (const std::size_t count : {0UL, 1UL, 2UL, 7UL, 1000UL}) {
      std::vector<std::atomic<int>> seen(count);
      pool.run(count, [&](std::size_t i) { seen[i].fetch_add(1); });
      for (const auto& n : seen) EXPECT_EQ(n.load(), 1);
    }
  }
}

TEST(ThreadPool, ManyShortJobsInARow) {
  ThreadPool pool(4);
  std::atomic<std::size_t> sum{0};
  for (std::size_t job = 0; job < 20000; ++job) pool.run(job % 7, [&](std::size_t i) { sum.fetch_add(i + 1); });
  std::size_t expected = 0;
  for (std::size_t job = 0; job < 20000; ++job) expected += (job % 7) * (job % 7 + 1) / 2;
  EXPECT_EQ(sum.load(), expected);
}

TEST(ThreadPool, MoreTasksThanAClaimCounts) {
  ThreadPool pool(2);
  const std::size_t count = (std::size_t{1} << 20) + 12345;
  std::vector<std::uint8_t> seen(count, 0);
  pool.run(count, [&](std::size_t i) { ++seen[i]; });
  for (std::size_t i = 0; i < count; ++i) ASSERT_EQ(seen[i], 1) << i;
}

TEST(ThreadPool, WorkersDoNotOverlap) {
  ThreadPool pool(4);
  std::vector<std::atomic<int>> busy(4);
  std::atomic<bool> overlap{false};
  pool.run(2000, [&](std::size_t, std::size_t worker) {
    if (busy[worker].fetch_add(1) != 0) overlap = true;
    busy[worker].fetch_sub(1);
  });
  EXPECT_FALSE(overlap.load());
}

TEST(ThreadPool, SleepsAndWakes) {
  ThreadPool pool(2);
  std::atomic<int> ran{0};
  for (int i = 0; i < 3; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    pool.run(8, [&](std::size_t) { ran.fetch_add(1); });
  }
  EXPECT_EQ(ran.load(), 24);
}

TEST(ThreadPool, FirstExceptionIsRethrownAndThePoolGoesOn) {
  ThreadPool pool(3);
  EXPECT_THROW(pool.run(100,
                        [](std::size_t i) {
                          if (i == 17) throw std::runtime_error("17");
                        }),
               std::runtime_error);
  std::atomic<int> ran{0};
  pool.run(100, [&](std::size_t) { ran.fetch_add(1); });
  EXPECT_EQ(ran.load(), 100);
}

TEST(ThreadPool, CallerDoesItAllWhenSharingIsNotWorthIt) {
  ThreadPool pool(4);
  const std::thread::id caller = std::this_thread::get_id();
  pool.run(
      50, [&](std::size_t) { EXPECT_EQ(std::this_thread::get_id(), caller); }, false);
}

TEST(ThreadPool, EndsRightAfterAJob) {
  for (int round = 0; round < 3000; ++round) {
    ThreadPool pool(3);
    pool.run(4, [](std::size_t) {});
  }
}

TEST(ThreadPool, RejectsSillyCounts) {
  EXPECT_THROW(ThreadPool(-1), Error);
  EXPECT_THROW(ThreadPool(1 << 20), Error);
}

TEST(ThreadPool, SeveralCallersAtOnce) {
  ThreadPool pool(3);
  std::vector<std::atomic<int>> seen(4000);
  std::vector<std::thread> callers;
  for (std::size_t caller = 0; caller < 4; ++caller) {
    callers.emplace_back([&, caller] {
      for (std::size_t job = 0; job < 100; ++job)
        pool.run(10, [&](std::size_t i) { seen[caller * 1000 + job * 10 + i].fetch_add(1); });
    });
  }
  for (std::thread& caller : callers) caller.join();
  for (const auto& n : seen) EXPECT_EQ(n.load(), 1);
}

TEST(ThreadPool, ATaskMayUseThePoolItself) {
  ThreadPool pool(3);
  std::atomic<int> ran{0};
  pool.run(6, [&](std::size_t) { pool.run(5, [&](std::size_t) { ran.fetch_add(1); }); });
  EXPECT_EQ(ran.load(), 30);
}

TEST(ThreadPool, WorkersAreFreeAgainAfterAFailure) {
  ThreadPool pool(2);
  EXPECT_THROW(pool.run(4, [](std::size_t) { throw std::runtime_error("task"); }), std::runtime_error);
  std::vector<std::atomic<int>> by_worker(2);
  for (int i = 0; i < 200; ++i) {
    pool.run(2, [&](std::size_t, std::size_t worker) {
      by_worker[worker].fetch_add(1);
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    });
    if (by_worker[1].load() > 0) break;
  }
  EXPECT_GT(by_worker[1].load(), 0);
}

}  // namespace
}  // namespace pith
