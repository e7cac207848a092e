#include <algorithm>

#include "session/feed.h"

namespace pith::session {
namespace {

/// Some feeds on their way, pass by pass.
class Feeds {
 public:
  Feeds(std::span<Feed> feeds, ThreadPool& pool, std::size_t rows_max, const OnFeedError& on_error)
      : feeds_(feeds), failed_(feeds.size()), rows_max_(rows_max), on_error_(on_error), runner_(make_runner(pool)) {
    // So that a part and its step are added together or not at all.
    parts_.reserve(feeds.size());
    steps_.reserve(feeds.size());
  }

  bool run(const std::stop_token& stop) {
    for (;;) {
      begin_pass();
      if (parts_.empty()) return true;
      run_pass();
      // Asked once: a request that comes a moment later must not end a feed without logits.
      const bool unfinished = std::any_of(feeds_.begin(), feeds_.end(), [&](const Feed& f) { return goes_on(f); });
      const bool stopped = unfinished && stop.stop_requested();
      hand_out(stopped);
      if (stopped) return false;
    }
  }

 private:
  /// A feed's part of the pass.
  struct Part {
    std::size_t feed;
    std::size_t row;  ///< Of its first token.
    std::size_t rows;
  };

  model::Runner make_runner(ThreadPool& pool) const {
    kv::ScratchLayout layout(feeds_.front().session().cache_);
    std::size_t rows = 0;
    for (const Feed& feed : feeds_) {
      layout = layout.joined(kv::ScratchLayout(feed.session().cache_));
      rows += feed.left();
    }
    return {*feeds_.front().session().model_.impl(), pool, layout, std::min(rows, rows_max_), rows_max_};
  }

  std::size_t number(const Feed& feed) const { return static_cast<std::size_t>(&feed - feeds_.data()); }
  bool goes_on(const Feed& feed) const { return !feed.done() && !failed_[number(feed)]; }

  template <typename Work>
  bool guarded(std::size_t feed, const Work& work) {
    try {
      work();
      return true;
    } catch (...) {
      on_error_(feed);
      failed_[feed] = true;
      return false;
    }
  }

  /// Begins the next batches. A feed that has begun gets a row at least: no pass leaves it without logits, should that
  /// be the last one.
  void begin_pass() {
    parts_.clear();
    steps_.clear();
    std::size_t room = rows_max_;
    auto begun = static_cast<std::size_t>(
        std::count_if(feeds_.begin(), feeds_.end(), [&](const Feed& f) { return f.begun() && goes_on(f); }));
    for (const bool turn_of_begun : {true, false}) {
      for (Feed& feed : feeds_) {
        if (!goes_on(feed) || feed.begun() != turn_of_begun) continue;
        if (turn_of_begun) --begun;
        if (room <= begun) return;
        guarded(number(feed), [&] { add(feed, room, feed.begin(room - begun)); });
      }
    }
  }

  void add(const Feed& feed, std::size_t& room, const model::Step& step) {
    parts_.push_back({number(feed), rows_max_ - room, step.tokens.size()});
    steps_.push_back(step);
    room -= step.tokens.size();
  }

  void run_pass() {
    if (parts_.size() == 1) {
      run_alone(parts_.front());
      return;
    }
    try {
      runner_.run(steps_);
    } catch (...) {
      repeat_apart();
      return;
    }
    for (const Part& part : parts_) guarded(part.feed, [&] { feeds_[part.feed].end(); });
  }

  void run_alone(const Part& part) {
    if (!guarded(part.feed, [&] {
          runner_.run(steps_);
          feeds_[part.feed].end();
        }))
      parts_.clear();
  }

  /// After a failed pass. Only the feeds whose sessions cannot be mended, or that fail on their own, fail.
  void repeat_apart() {
    const std::vector<Part> parts = parts_;
    for (const Part& part : parts) guarded(part.feed, [&] { feeds_[part.feed].undo(); });
    for (const Part& part : parts) {
      if (failed_[part.feed]) continue;
      parts_ = {{part.feed, 0, part.rows}};
      steps_.clear();
      if (!guarded(part.feed, [&] { steps_ = {feeds_[part.feed].begin(part.rows)}; })) continue;
      run_alone(parts_.front());
      // With logits for all, since a stop request would find none of them in a pass.
      hand_out(true);
    }
    parts_.clear();
  }

  void hand_out(bool stopped) {
    rows_.clear();
    for (const Part& part : parts_) {
      Feed& feed = feeds_[part.feed];
      if (failed_[part.feed]) continue;
      guarded(part.feed, [&] { feed.hand_out_hidden(runner_, part.row); });
      feed.list_logits(part.row, feed.done() || stopped, rows_);
    }
    auto part = parts_.begin();
    runner_.logits(rows_, [&](std::size_t row, std::span<const float> logits) {
      while (row >= part->row + part->rows) ++part;
      if (!failed_[part->feed]) guarded(part->feed, [&] { feeds_[part->feed].take_logits(row - part->row, logits); });
    });
  }

  std::span<Feed> feeds_;
  std::vector<bool> failed_;  ///< [feeds]
  std::size_t rows_max_;
  const OnFeedError& on_error_;
  model::Runner runner_;
  std::vector<Part> parts_;
  std::vector<model::Step> steps_;  ///< [parts]
  std::vector<std::size_t> rows_;
};

}  // namespace

bool run_feeds(std::span<Feed> feeds, ThreadPool& pool, std::size_t rows_max, const std::stop_token& stop,
               const OnFeedError& on_error) {
  return Feeds(feeds, pool, rows_max, on_error).run(stop);
}

}  // namespace pith::session
