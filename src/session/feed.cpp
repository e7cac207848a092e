#include "session/feed.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/fail.h"
#include "kv/evict/footprint.h"

namespace pith::session {
namespace {

void check_finite(std::span<const float> logits) {
  float poison = 0.0F;
  for (const float x : logits) poison += x * 0.0F;
  if (poison == 0.0F) return;
  const auto bad = std::find_if(logits.begin(), logits.end(), [](float x) { return !std::isfinite(x); });
  fail(ErrorKind::kNumeric, "logit of token {} is {}", bad - logits.begin(), *bad);
}

}  // namespace

Feed::Feed(Session::Impl& session, std::span<const Token> tokens, bool alone, FeedSinks sinks)
    : session_(&session),
      left_(tokens),
      alone_(alone),
      single_(tokens.size() == 1),
      sinks_(std::move(sinks)),
      end_(session.state_.tokens.size() + tokens.size()) {}

model::Step Feed::begin(std::size_t rows) {
  Session::Impl& s = *session_;
  batch_ = left_.first(std::min(rows, s.next_batch(left_.size())));
  if (s.budget_.bound()) {
    const std::size_t position = s.state_.position();
    const std::size_t pages = (position + batch_.size()) / kv::kPageTokens - position / kv::kPageTokens + 1;
    s.budget_.make_room(kv::growth_bytes(s.cache_, pages * kv::kPageTokens));
  }
  s.state_.logits.reset();
  change_.emplace(s.wholeness_);
  if (s.eviction_ != nullptr) {
    s.eviction_->make_room(s.cache_, *s.pool_);
    const std::size_t position = s.state_.tokens.size();
    const std::size_t end = s.streams() ? s.eviction_->next_decision(position) : end_;
    s.cache_.observers().begin_batch(position, batch_.size(), end);
  }
  return {&s.cache_, batch_, alone_};
}

void Feed::end() {
  Session::Impl& s = *session_;
  State& state = s.state_;
  if (s.cache_.options().sparse.on()) state.alone.resize(state.tokens.size() + batch_.size(), alone_);
  state.tokens.insert(state.tokens.end(), batch_.begin(), batch_.end());
  change_->done();
  left_ = left_.subspan(batch_.size());
  row_ += batch_.size();
  if (s.sharing_.on() && !state.altered.any && state.tokens.size() % kv::kPageTokens == 0 &&
      left_.size() < kv::kPageTokens)
    s.sharing_.offer(s.prefixes(), s.cache_, state.tokens, !single_);
  if (s.stored_.on() && !state.altered.any && state.tokens.size() % kv::kPageTokens == 0 &&
      left_.size() < kv::kPageTokens)
    s.boundary_ = kv::Checkpoint::of_tail(s.cache_, state.tokens.size());
  if (s.mark_every_ != 0 && state.tokens.size() % s.mark_every_ == 0) s.mark();
}

void Feed::undo() { session_->mend(); }

void Feed::hand_out_hidden(model::Runner& runner, std::size_t first) const {
  if (!sinks_.hidden) return;
  const std::size_t position = session_->state_.tokens.size() - batch_.size();
  runner.hidden(first, batch_.size(), [&](std::size_t row, std::span<const float> hidden) {
    sinks_.hidden(static_cast<int>(position + row - first), hidden);
  });
}

void Feed::list_logits(std::size_t first, bool last, std::vector<std::size_t>& rows) const {
  const std::size_t begin = row_ - batch_.size();
  std::size_t index = batch_.size();
  if (sinks_.logits && row_ > sinks_.logits_from) {
    index = sinks_.logits_from > begin ? sinks_.logits_from - begin : 0;
  } else if (last) {
    // Logits are worth their price after the last token only.
    index = batch_.size() - 1;
  }
  for (; index < batch_.size(); ++index) rows.push_back(first + index);
}

void Feed::take_logits(std::size_t index, std::span<const float> logits) const {
  check_finite(logits);
  if (index + 1 == batch_.size()) session_->state_.keep_logits(logits);
  if (!sinks_.logits || row_ - batch_.size() + index < sinks_.logits_from) return;
  const std::size_t position = session_->state_.tokens.size() - batch_.size() + index;
  sinks_.logits(static_cast<int>(position), logits);
}

}  // namespace pith::session
