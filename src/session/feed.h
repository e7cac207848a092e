#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <stop_token>
#include <vector>

#include "model/runner.h"
#include "session/session_impl.h"
#include "session/wholeness.h"

namespace pith::session {

/// Tokens that go into a session, batch by batch, in passes that feeds of other sessions may share. Results depend
/// neither on the batches nor on the company.
class Feed {
 public:
  /// Session and tokens must outlive it. `alone`: the tokens count as fed one by one (sparse reading).
  Feed(Session::Impl& session, std::span<const Token> tokens, bool alone, FeedSinks sinks = {});

  Session::Impl& session() const { return *session_; }
  std::size_t left() const { return left_.size(); }
  bool done() const { return left_.empty(); }
  /// Returns whether a batch has been fed.
  bool begun() const { return row_ != 0; }

  /// Begins a batch of at most `rows` tokens, which the returned step describes.
  model::Step begin(std::size_t rows);
  /// Ends it, once a pass over the step has succeeded.
  void end();
  /// After a pass over the step has failed: makes the session what it was before. The batch can be begun again.
  void undo();

  /// Hands out the hidden states of the batch, whose first row in the pass is `first`, if they are wanted.
  void hand_out_hidden(model::Runner& runner, std::size_t first) const;
  /// Adds those rows of the batch whose logits are wanted; `last`: nothing follows in this feed.
  void list_logits(std::size_t first, bool last, std::vector<std::size_t>& rows) const;
  /// Takes the logits of a token of the batch. Throws Error(kNumeric) if they are not finite.
  void take_logits(std::size_t index, std::span<const float> logits) const;

 private:
  Session::Impl* session_;
  std::span<const Token> left_;
  std::span<const Token> batch_;
  bool alone_;
  bool single_;  ///< The feed has one token.
  FeedSinks sinks_;
  std::size_t end_;      ///< Position after the last token.
  std::size_t row_ = 0;  ///< Of the batch's first token, counted from the feed's first one; past the batch after end().
  std::optional<Change> change_;
};

/// Called when something throws, from the handler: may rethrow. If it returns, that feed goes no further.
using OnFeedError = std::function<void(std::size_t feed)>;

/// Takes feeds of different sessions of one model to their ends, in passes of at most `rows_max` tokens of all of them
/// together. A stop request ends it between passes; then what was fed stays, with its logits. Returns false if it did.
/// A pass of several feeds that fails is repeated with each of them alone, so that an error reaches the one that causes
/// it.
bool run_feeds(std::span<Feed> feeds, ThreadPool& pool, std::size_t rows_max, const std::stop_token& stop,
               const OnFeedError& on_error);

}  // namespace pith::session
