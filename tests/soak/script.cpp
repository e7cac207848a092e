#include "soak/script.h"

#include <algorithm>
#include <span>

#include "soak/choices.h"

namespace pith::soak {

void Script::append(std::span<const Token> tokens, bool alone) {
  tokens_.insert(tokens_.end(), tokens.begin(), tokens.end());
  alone_.resize(tokens_.size(), alone);
  feed_ends_.push_back(tokens_.size());
}

void Script::feed(std::span<const Token> tokens) { append(tokens, tokens.size() == 1); }

void Script::feed_in_part(std::span<const Token> tokens) {
  append(tokens, false);
  torn_ = true;
}

void Script::truncate(int tokens) {
  if (tokens == size()) return;
  tokens_.resize(static_cast<std::size_t>(tokens));
  alone_.resize(tokens_.size());
  // With a policy all remaining tokens are fed again in one go, except tokens that were fed alone where that matters.
  feed_ends_.clear();
  for (std::size_t at = 0; at < tokens_.size();) {
    at = options_.kv.read_share < 1.0 ? end_of_run(at, tokens_.size()) : tokens_.size();
    feed_ends_.push_back(at);
  }
}

void Script::reset() {
  tokens_.clear();
  alone_.clear();
  feed_ends_.clear();
  compactions_.clear();
  torn_ = false;
}

bool Script::can_replay() const {
  if (torn_ && feeds_count()) return false;
  if (options_.kv.read_share >= 1.0) return true;
  std::vector<std::size_t> ends = {0, tokens_.size()};
  for (const Compaction& compaction : compactions_) ends.push_back(static_cast<std::size_t>(compaction.position));
  const auto ends_at = [&](std::size_t at) { return std::find(ends.begin(), ends.end(), at) != ends.end(); };
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    const bool begins = ends_at(i) || alone_[i - 1];
    const bool last = ends_at(i + 1) || alone_[i + 1];
    if (!alone_[i] && begins && last) return false;
  }
  return true;
}

Session Script::replay(const Model& model, Dice& dice) const {
  SessionOptions options = options_;
  redraw_free_options(dice, options);
  Session session(model, options);
  std::size_t at = 0;
  for (const Compaction& compaction : compactions_) {
    const auto position = static_cast<std::size_t>(compaction.position);
    feed_range(session, at, position, dice);
    session.compact(compaction.budget, compaction.policy);
    at = position;
  }
  feed_range(session, at, tokens_.size(), dice);
  return session;
}

std::size_t Script::end_of_run(std::size_t first, std::size_t last) const {
  if (alone_[first]) return first + 1;
  std::size_t end = first + 1;
  while (end < last && !alone_[end]) ++end;
  return end;
}

std::size_t Script::next_feed(std::size_t first, std::size_t last, Dice& dice) const {
  if (feeds_count()) return *std::upper_bound(feed_ends_.begin(), feed_ends_.end(), first) - first;
  const std::size_t run = end_of_run(first, last) - first;
  // A feed of a single token would be read sparsely.
  const std::size_t piece = 2 + dice.below(200);
  return run > piece + 1 ? piece : run;
}

void Script::feed_range(Session& session, std::size_t first, std::size_t last, Dice& dice) const {
  const std::span<const Token> tokens = tokens_;
  while (first < last) {
    const std::size_t count = next_feed(first, last, dice);
    session.feed(tokens.subspan(first, count));
    first += count;
  }
}

}  // namespace pith::soak
