#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "base/thread_pool.h"
#include "kv/core/checkpoint.h"
#include "session/state.h"

namespace pith::session {

/// A point that a session can go back to, bit for bit.
struct Mark {
  kv::Checkpoint cache;
  /// After the last token, shared with sessions as State::logits is. Null where they were not computed, and right after
  /// append().
  std::shared_ptr<std::vector<float>> logits;
  Altered altered;

  std::size_t tokens() const { return altered.tokens(cache.tokens()); }
};

/// The marks of a session, in order. Forks share them.
class Marks {
 public:
  /// Adds a mark, in place of one of as many tokens, and drops the least useful ones until they hold at most
  /// `bytes_max` bytes beyond `cache`. The newest kAlwaysKept stay.
  void add(Mark mark, const kv::Cache& cache, std::size_t bytes_max);
  /// Returns the last mark from which the state with `tokens` tokens follows and that `cache` can be taken back to;
  /// null if there is none. One of just as many must know their logits, if they could be known.
  std::shared_ptr<const Mark> towards(std::size_t tokens, const kv::Cache& cache) const;
  /// Before tokens leave the cache for good: nothing that marks need is the cache's alone any more.
  void complete(const kv::Cache& cache);
  /// After that, at `position`: what follows from the marks so far is known up to there.
  void end_at(std::size_t position);
  /// Takes `count` tokens out of those that have them all, and drops those that have some of them. The others end
  /// there.
  void drop(std::size_t first, std::size_t count, const kv::Cache& cache, ThreadPool& pool);
  /// Drops those of more tokens.
  void forget_after(std::size_t tokens);
  void clear() { list_.clear(); }

  /// Returns the bytes that they hold beyond what `cache` does.
  std::size_t bytes(const kv::Cache& cache) const;
  std::vector<int> positions() const;
  std::size_t size() const { return list_.size(); }

 private:
  /// To answer again, and to ask the last question again.
  static constexpr std::size_t kAlwaysKept = 2;

  struct Entry {
    std::shared_ptr<const Mark> mark;
    std::size_t end;  ///< The most tokens that follow from it.
  };

  std::size_t least_useful() const;

  std::vector<Entry> list_;
};

}  // namespace pith::session
