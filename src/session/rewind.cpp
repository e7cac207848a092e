#include "kv/core/rewind.h"

#include <algorithm>
#include <utility>

#include "base/fail.h"
#include "kv/share/pages.h"
#include "session/session_impl.h"

// Going back: to fewer tokens, and to the last good state after a failure.

namespace pith {

std::size_t Session::Impl::truncate(std::size_t tokens) {
  if (tokens > state_.tokens.size()) {
    fail(ErrorKind::kInvalidArgument, "truncate to {} tokens, the session has {}", tokens, state_.tokens.size());
  }
  if (state_.altered.any && held_towards(tokens) == 0 && mark_towards(tokens) == nullptr) {
    fail(ErrorKind::kInvalidArgument,
         "truncate to {} tokens, but compact(), drop() or append() came after them and no mark leads there", tokens);
  }
  if (tokens == state_.tokens.size() && whole() && (tokens == 0 || state_.logits != nullptr)) return 0;
  check_pages();
  std::vector<Token> kept(state_.tokens.begin(), state_.tokens.begin() + static_cast<std::ptrdiff_t>(tokens));
  std::vector<bool> alone = state_.alone;
  state_.logits.reset();
  const std::size_t from = rewind_towards(tokens);
  if (from == 0) {
    cache_.clear();
    state_.altered = {};
  }
  state_.tokens.resize(from);
  state_.alone.resize(std::min(state_.alone.size(), from));
  marks_.forget_after(tokens);
  wholeness_.renew();
  // Pages that only a mark held have not been looked at for long.
  check_pages();
  feed_again(std::move(kept), std::move(alone));
  return tokens - from;
}

bool Session::Impl::can_rewind(std::size_t position) const {
  return kv::agreed(cache_, kv::can_rewind(cache_, position));
}

void Session::Impl::mark() {
  mend();
  const std::size_t tokens = state_.tokens.size();
  // From the start to there is less than a page.
  if (tokens < kv::kPageTokens || (marks_share_ == 0.0 && !stored_.on())) return;
  const bool appended_only = eviction_ == nullptr && !state_.altered.any;
  if (appended_only && stored_.on()) {
    const std::size_t boundary = tokens / kv::kPageTokens * kv::kPageTokens;
    if (can_rewind(boundary)) {
      store(kv::Checkpoint::of_tail(cache_, boundary));
    } else if (boundary_ && boundary_->tokens() == boundary) {
      store(*boundary_);
    }
  }
  if (marks_share_ == 0.0) return;
  session::Mark mark{appended_only ? kv::Checkpoint::of_tail(cache_, tokens) : kv::Checkpoint::of_all(cache_),
                     state_.logits, state_.altered};
  marks_.add(std::move(mark), cache_,
             static_cast<std::size_t>(marks_share_ * static_cast<double>(cache_.bytes().total())));
}

void Session::Impl::store(const kv::Checkpoint& at) const {
  const std::span<const Token> tokens = std::span(state_.tokens).first(at.tokens());
  if (at.tokens() == cache_.tokens()) return stored_.add(cache_, tokens);
  kv::Cache then = cache_;
  at.restore(then);
  stored_.add(then, tokens);
}

bool Session::Impl::takes_back_open_tokens() const {
  return eviction_ == nullptr && !cache_.options().sparse.on() && cache_.states().empty() &&
         state_.position() >= kv::kPageTokens;
}

void Session::Impl::take_back(std::size_t tokens, std::vector<float> logits) {
  if (tokens == state_.tokens.size()) return;
  const std::size_t position = state_.altered.position(tokens);
  if (position >= open_page() && can_rewind(position)) {
    kv::forget_open(cache_, position);
    state_.tokens.resize(tokens);
  } else {
    truncate(tokens);
  }
  state_.logits = std::make_shared<std::vector<float>>(std::move(logits));
}

std::size_t Session::Impl::held_towards(std::size_t tokens) const {
  if (!whole() || eviction_ != nullptr) return 0;
  const session::Altered& altered = state_.altered;
  // The last token goes through the model in any case, for its logits.
  const std::size_t fewer = tokens - std::min<std::size_t>(tokens, 1);
  if (fewer < altered.until) return 0;
  const std::size_t last = altered.position(fewer);
  const std::size_t least = altered.position(altered.until);
  std::size_t from = last;
  // No page was sealed since, but a window may have moved on from one.
  if (last < open_page() || !can_rewind(last)) {
    from = last / kv::kPageTokens * kv::kPageTokens;
    while (from >= least && from != 0 && !can_rewind(from)) from -= kv::kPageTokens;
  }
  return from < least || from == 0 ? 0 : altered.tokens(from);
}

std::shared_ptr<const session::Mark> Session::Impl::mark_towards(std::size_t tokens) const {
  // Marks share pages with the cache: which of them have changed in memory is not known.
  return wholeness_.damaged() ? nullptr : marks_.towards(tokens, cache_);
}

std::size_t Session::Impl::rewind_towards(std::size_t tokens) {
  const std::size_t held = held_towards(tokens);
  const std::shared_ptr<const session::Mark> mark = mark_towards(tokens);
  if (mark != nullptr && mark->tokens() > held) {
    go_back_to(*mark);
    return mark->tokens();
  }
  if (held == 0) return 0;
  const session::Change change(wholeness_);
  const std::size_t position = state_.altered.position(held);
  if (position >= open_page()) {
    kv::forget_open(cache_, position);
  } else {
    kv::rewind(cache_, position);
  }
  return held;
}

void Session::Impl::go_back_to(const session::Mark& mark) {
  const session::Change change(wholeness_);
  mark.cache.restore(cache_);
  state_.altered = mark.altered;
  state_.logits = mark.logits;
}

void Session::Impl::mend() {
  if (whole()) return;
  if (wholeness_.damaged()) marks_.clear();
  std::vector<Token> tokens = state_.tokens;
  std::vector<bool> alone = state_.alone;
  const std::shared_ptr<const session::Mark> mark = mark_towards(tokens.size());
  if (state_.altered.any && mark == nullptr) {
    fail(ErrorKind::kInvalidArgument,
         "a failure left the session's cache incomplete, and what compact(), drop() or append() did cannot be done "
         "again: reset it");
  }
  if (mark != nullptr) {
    go_back_to(*mark);
  } else {
    cache_.clear();
  }
  state_.tokens.resize(mark == nullptr ? 0 : mark->tokens());
  state_.alone.resize(std::min(state_.alone.size(), state_.tokens.size()));
  state_.shared_tokens = std::min(state_.shared_tokens, state_.tokens.size());
  wholeness_.renew();
  feed_again(std::move(tokens), std::move(alone));
}

void Session::Impl::feed_again(std::vector<Token> tokens, std::vector<bool> alone) {
  try {
    for (std::size_t first = state_.tokens.size(); first < tokens.size();) {
      std::size_t last = first + 1;
      const bool single = !alone.empty() && alone[first];
      while (!single && last < tokens.size() && (alone.empty() || !alone[last])) ++last;
      feed(std::span(tokens).subspan(first, last - first), single, std::stop_token{}, {});
      first = last;
    }
  } catch (...) {
    // A change that is not done.
    const session::Change change(wholeness_);
    state_.tokens = std::move(tokens);
    state_.alone = std::move(alone);
    throw;
  }
}

}  // namespace pith
