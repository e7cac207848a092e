#include "kv/core/rewind.h"

#include <algorithm>
#include <utility>

#include "base/fail.h"
#include "session/session_impl.h"

// Going back: to fewer tokens, and to the last good state after a failure.

namespace pith {

void Session::Impl::truncate(std::size_t tokens) {
  if (tokens > state_.tokens.size()) {
    fail(ErrorKind::kInvalidArgument, "truncate to {} tokens, the session has {}", tokens, state_.tokens.size());
  }
  if (state_.compacted) fail(ErrorKind::kInvalidArgument, "truncate to {} tokens, but compact() evicted some", tokens);
  if (tokens == state_.tokens.size() && whole() && (tokens == 0 || state_.logits != nullptr)) return;
  check_pages();
  std::vector<Token> kept(state_.tokens.begin(), state_.tokens.begin() + static_cast<std::ptrdiff_t>(tokens));
  std::vector<bool> alone = state_.alone;
  const std::size_t from = whole() ? rewind_towards(tokens) : 0;
  if (from == 0) cache_.clear();
  state_.tokens.resize(from);
  state_.alone.resize(std::min(state_.alone.size(), from));
  state_.logits.reset();
  wholeness_.renew();
  feed_again(std::move(kept), std::move(alone));
}

bool Session::Impl::takes_back_open_tokens() const {
  return eviction_ == nullptr && !cache_.options().sparse.on() && state_.tokens.size() >= kv::kPageTokens;
}

void Session::Impl::take_back(std::size_t tokens, std::vector<float> logits) {
  if (tokens == state_.tokens.size()) return;
  if (tokens >= state_.tokens.size() / kv::kPageTokens * kv::kPageTokens && kv::can_rewind(cache_, tokens)) {
    kv::forget_open(cache_, tokens);
    state_.tokens.resize(tokens);
  } else {
    truncate(tokens);
  }
  state_.logits = std::make_shared<std::vector<float>>(std::move(logits));
}

/// The state that the tokens were in up to some point is still there, or it is nothing.
std::size_t Session::Impl::rewind_towards(std::size_t tokens) {
  if (eviction_ != nullptr) return 0;
  const std::size_t sealed = state_.tokens.size() / kv::kPageTokens * kv::kPageTokens;
  // The last token goes through the model in any case, for its logits.
  const std::size_t last = tokens - std::min<std::size_t>(tokens, 1);
  // No page was sealed since, but a window may have moved on from one.
  const bool only_open = last >= sealed && kv::can_rewind(cache_, last);
  std::size_t from = only_open ? last : last / kv::kPageTokens * kv::kPageTokens;
  while (!only_open && from != 0 && !kv::can_rewind(cache_, from)) from -= kv::kPageTokens;
  if (from == 0) return 0;
  const session::Change change(wholeness_);
  if (only_open) {
    kv::forget_open(cache_, from);
  } else {
    kv::rewind(cache_, from);
  }
  return from;
}

void Session::Impl::mend() {
  if (whole()) return;
  if (state_.compacted) {
    fail(
        ErrorKind::kInvalidArgument,
        "a failure left the session's cache incomplete, and what compact() evicted cannot be computed again: reset it");
  }
  std::vector<Token> tokens = state_.tokens;
  std::vector<bool> alone = state_.alone;
  cache_.clear();
  state_.tokens.clear();
  state_.alone.clear();
  state_.shared_tokens = 0;
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
