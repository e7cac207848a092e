#pragma once

#include <pith/pith.h>

#include <cstddef>
#include <vector>

#include "soak/dice.h"

namespace pith::soak {

/// The history of a session, as far as results depend on it. A fresh session with the same history must reach the same
/// logits and bytes, whatever its batches, feeds and threads.
class Script {
 public:
  explicit Script(SessionOptions options) : options_(std::move(options)) {}

  const SessionOptions& options() const { return options_; }
  const std::vector<Token>& tokens() const { return tokens_; }
  int size() const { return static_cast<int>(tokens_.size()); }
  /// Whether a budget evicts automatically: then a text may be longer than the context.
  bool streams() const { return options_.eviction.budget_tokens != 0 || options_.eviction.budget_bytes != 0; }
  bool compacted() const { return !compactions_.empty(); }
  /// Whether compact() depends on attention gathered per feed (PolicyNeeds::queries): then feeds must be the same, too.
  bool feeds_count() const { return !options_.eviction.policy.empty() && !streams(); }

  void feed(std::span<const Token> tokens);
  /// The beginning of a feed that was cut off.
  void feed_in_part(std::span<const Token> tokens);
  void truncate(int tokens);
  void compact(std::size_t budget, const EvictionOptions& policy) { compactions_.push_back({size(), budget, policy}); }
  void reset();

  /// False if a cancelled or truncated feed left a state that no calls can reproduce: a single token that was not fed
  /// alone, in a session that reads those differently; or part of a feed, if feeds matter.
  bool can_replay() const;
  /// Replays the history in a fresh session, with other sizes of feeds and batches.
  Session replay(const Model& model, Dice& dice) const;

 private:
  struct Compaction {
    int position;
    std::size_t budget;
    EvictionOptions policy;
  };

  void append(std::span<const Token> tokens, bool alone);
  void feed_range(Session& session, std::size_t first, std::size_t last, Dice& dice) const;
  /// Returns how many of the tokens up to `last` go into the next feed.
  std::size_t next_feed(std::size_t first, std::size_t last, Dice& dice) const;
  std::size_t end_of_run(std::size_t first, std::size_t last) const;

  SessionOptions options_;
  std::vector<Token> tokens_;
  std::vector<bool> alone_;
  std::vector<std::size_t> feed_ends_;
  std::vector<Compaction> compactions_;
  bool torn_ = false;
};

}  // namespace pith::soak
