#pragma once

#include <atomic>

namespace pith::session {

/// Whether a session's cache is what its tokens make it.
class Wholeness {
 public:
  explicit Wholeness(bool whole = true) : unfinished_(!whole) {}

  bool whole() const { return !unfinished_ && !damaged(); }
  /// Returns whether pages have changed in memory.
  bool damaged() const { return damaged_.load(std::memory_order_relaxed); }
  /// Notes that they have. Several threads may do so at once.
  void damage() const { damaged_.store(true, std::memory_order_relaxed); }
  /// Notes that the cache has been emptied or made anew.
  void renew() {
    unfinished_ = false;
    damaged_.store(false, std::memory_order_relaxed);
  }

 private:
  friend class Change;

  bool unfinished_;
  mutable std::atomic<bool> damaged_{false};
};

/// A change of a session's tokens and cache. They do not belong together from its construction until done(): whatever
/// ends the change before, an exception above all, leaves a session that is to be mended.
class Change {
 public:
  explicit Change(Wholeness& session) : session_(&session) { session_->unfinished_ = true; }

  void done() { session_->unfinished_ = false; }

 private:
  Wholeness* session_;
};

}  // namespace pith::session
