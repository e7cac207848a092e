#include "soak/run.h"

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <future>
#include <mutex>

#include "soak/memory.h"
#include "soak/worker.h"
#include "support/paths.h"

namespace pith::soak {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double kSecondsBetweenLines = 5;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

class Run {
 public:
  explicit Run(const RunOptions& options)
      : options_(options), subjects_(load_subjects(folder_.path(), options.models)) {}

  bool run() {
    fmt::print(stderr, "soak: seed {}, {} threads, {} models\n", options_.seed, options_.threads, subjects_.size());
    memory_.add(measure_memory(seconds_since(start_)));
    std::uint64_t round = options_.first_round;
    for (; failure_.empty() && !is_over(round); ++round) run_round(round);
    fmt::print("seed {}, rounds {} to {}, {} threads, {:.1f} minutes\n", options_.seed, options_.first_round, round,
               options_.threads, seconds_since(start_) / 60);
    fmt::print("{}{}", summary(counters_), memory_.summary());
    fmt::print("failures: {}\n", failure_.empty() ? "none" : failure_);
    return failure_.empty();
  }

 private:
  bool is_over(std::uint64_t round) const {
    if (options_.minutes) return is_late();
    return round - options_.first_round >= options_.rounds;
  }
  bool is_late() const { return options_.minutes && seconds_since(start_) >= 60 * *options_.minutes; }

  /// All threads start and end a round without sessions.
  void run_round(std::uint64_t round) {
    std::vector<std::future<void>> workers;
    workers.reserve(static_cast<std::size_t>(options_.threads));
    for (int thread = 0; thread < options_.threads; ++thread)
      workers.push_back(std::async(std::launch::async, [this, round, thread] { work(round, thread); }));
    for (std::future<void>& worker : workers) {
      while (worker.wait_for(std::chrono::seconds(1)) != std::future_status::ready) show_progress(round);
      worker.get();
    }
    show_progress(round);
    memory_.add(measure_memory(seconds_since(start_)));
    try {
      memory_.check();
    } catch (const std::exception& error) {
      fail(fmt::format("round {}: {}", round, error.what()));
    }
  }

  void work(std::uint64_t round, int thread) {
    const std::uint64_t seed = (options_.seed * 1000003 + round) * 1009 + static_cast<std::uint64_t>(thread);
    Worker worker(subjects_, counters_, folder_.path(), fmt::format("session-{}", thread), seed);
    for (int step = 0; step < options_.steps && !is_late() && !failed_; ++step) {
      try {
        worker.step();
      } catch (const std::exception& error) {
        fail(fmt::format(
            "{}\n  while: {}\n  thread {}, step {} of round {}; again with: --seed {} --first-round {} "
            "--rounds 1 --steps {} --threads {}",
            error.what(), worker.doing(), thread, step, round, options_.seed, round, options_.steps, options_.threads));
      }
    }
  }

  void fail(const std::string& why) {
    const std::lock_guard lock(mutex_);
    if (failure_.empty()) failure_ = why;
    failed_ = true;
  }

  void show_progress(std::uint64_t round) {
    const double now = seconds_since(start_);
    if (now - last_line_ < kSecondsBetweenLines) return;
    last_line_ = now;
    fmt::print(stderr, "soak: {:6.0f} s, round {}: {} operations, {} sessions, {} compared, {} tokens\n", now, round,
               counters_.steps.load(), counters_.opened + counters_.forked + counters_.restored,
               counters_.compared.load(), counters_.tokens.load());
  }

  const RunOptions& options_;
  const test::TempDir folder_;
  const std::vector<Subject> subjects_;
  const Clock::time_point start_ = Clock::now();
  double last_line_ = 0;
  Counters counters_;
  MemoryLog memory_;
  std::mutex mutex_;
  std::string failure_;
  std::atomic<bool> failed_{false};
};

}  // namespace

bool run(const RunOptions& options) { return Run(options).run(); }

}  // namespace pith::soak
