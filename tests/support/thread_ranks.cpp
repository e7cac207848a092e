#include "support/thread_ranks.h"

#include <pith/error.h>

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <string>
#include <thread>

namespace pith::test {
namespace {

/// Where the ranks of a process meet.
class Meeting {
 public:
  explicit Meeting(std::size_t count) : said_(count), topics_(count) {}

  std::size_t count() const { return said_.size(); }

  std::vector<std::vector<std::byte>> exchange(std::size_t rank, std::uint64_t topic, std::span<const std::byte> mine) {
    std::unique_lock lock(mutex_);
    said_[rank].assign(mine.begin(), mine.end());
    topics_[rank] = topic;
    wait(lock);
    if (std::any_of(topics_.begin(), topics_.end(), [&](std::uint64_t other) { return other != topic; }))
      throw Error(ErrorKind::kPeer, "ranks talk of different things");
    std::vector<std::vector<std::byte>> all = said_;
    wait(lock);
    return all;
  }
  void leave() {
    const std::lock_guard lock(mutex_);
    left_ = true;
    changed_.notify_all();
  }

 private:
  /// Until all ranks are here.
  void wait(std::unique_lock<std::mutex>& lock) {
    const std::size_t round = round_;
    if (++here_ == count()) {
      here_ = 0;
      ++round_;
      changed_.notify_all();
      return;
    }
    changed_.wait(lock, [&] { return round_ != round || left_; });
    if (round_ == round) throw Error(ErrorKind::kPeer, "another rank is gone");
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::vector<std::byte>> said_;
  std::vector<std::uint64_t> topics_;
  std::size_t here_ = 0;
  std::size_t round_ = 0;
  bool left_ = false;
};

class ThreadRanks : public Ranks {
 public:
  ThreadRanks(Meeting& meeting, std::size_t rank) : meeting_(meeting), rank_(rank) {}

  std::size_t rank() const override { return rank_; }
  std::size_t count() const override { return meeting_.count(); }
  /// So that all is divided that can be.
  double latency() const override { return 0.0; }
  std::span<const std::span<const std::byte>> exchange(std::uint64_t topic, std::span<const std::byte> mine) override {
    said_ = meeting_.exchange(rank_, topic, mine);
    views_.assign(said_.begin(), said_.end());
    return views_;
  }

 private:
  Meeting& meeting_;
  std::size_t rank_;
  std::vector<std::vector<std::byte>> said_;
  std::vector<std::span<const std::byte>> views_;
};

}  // namespace

void on_ranks(std::size_t count, const std::function<void(const std::shared_ptr<Ranks>& ranks)>& rank) {
  Meeting meeting(count);
  std::vector<std::exception_ptr> errors(count);
  std::vector<std::thread> threads;
  for (std::size_t r = 0; r < count; ++r) {
    threads.emplace_back([&, r] {
      try {
        rank(std::make_shared<ThreadRanks>(meeting, r));
      } catch (...) {
        errors[r] = std::current_exception();
        meeting.leave();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::exception_ptr first;
  for (const std::exception_ptr& error : errors) {
    if (error == nullptr) continue;
    try {
      std::rethrow_exception(error);
    } catch (const Error& thrown) {
      if (first == nullptr || thrown.what() != std::string("another rank is gone")) first = error;
    } catch (...) {
      first = error;
    }
  }
  if (first != nullptr) std::rethrow_exception(first);
}

}  // namespace pith::test
