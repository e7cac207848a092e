#include "kv/core/rewind.h"

#include <algorithm>
#include <utility>

#include "base/fail.h"
#include "session/session_impl.h"

// Going back: to fewer tokens, and to the last good state after a failure.

namespace pith {

void Session::Impl::truncate(std::size_t tokens) {
  if (tokens > tokens_.size()) {
    fail(ErrorKind::kInvalidArgument, "truncate to {} tokens, the session has {}", tokens, tokens_.size());
  }
  if (compacted_) fail(ErrorKind::kInvalidArgument, "truncate to {} tokens, but compact() evicted some", tokens);
  if (tokens == tokens_.size() && whole() && (tokens == 0 || logits_ != nullptr)) return;
  check_pages();
  std::vector<Token> kept(tokens_.begin(), tokens_.begin() + static_cast<std::ptrdiff_t>(tokens));
  std::vector<bool> alone = alone_;
  const std::size_t from = whole() ? rewind_towards(tokens) : 0;
  if (from == 0) cache_.clear();
  tokens_.resize(from);
  alone_.resize(std::min(alone_.size(), from));
  forget_logits();
  whole_ = true;
  damaged_ = false;
  feed_again(std::move(kept), std::move(alone));
}

bool Session::Impl::takes_back_open_tokens() const {
  return eviction_ == nullptr && !cache_.options().sparse.on() && tokens_.size() >= kv::kPageTokens;
}

void Session::Impl::take_back(std::size_t tokens, std::vector<float> logits) {
  if (tokens == tokens_.size()) return;
  if (tokens >= tokens_.size() / kv::kPageTokens * kv::kPageTokens && kv::can_rewind(cache_, tokens)) {
    kv::forget_open(cache_, tokens);
    tokens_.resize(tokens);
  } else {
    truncate(tokens);
  }
  logits_ = std::make_shared<std::vector<float>>(std::move(logits));
}

/// The state that the tokens were in up to some point is still there, or it is nothing.
std::size_t Session::Impl::rewind_towards(std::size_t tokens) {
  if (eviction_ != nullptr) return 0;
  const std::size_t sealed = tokens_.size() / kv::kPageTokens * kv::kPageTokens;
  // The last token goes through the model in any case, for its logits.
  const std::size_t last = tokens - std::min<std::size_t>(tokens, 1);
  // No page was sealed since, but a window may have moved on from one.
  const bool only_open = last >= sealed && kv::can_rewind(cache_, last);
  std::size_t from = only_open ? last : last / kv::kPageTokens * kv::kPageTokens;
  while (!only_open && from != 0 && !kv::can_rewind(cache_, from)) from -= kv::kPageTokens;
  if (from == 0) return 0;
  whole_ = false;
  if (only_open) {
    kv::forget_open(cache_, from);
  } else {
    kv::rewind(cache_, from);
  }
  return from;
}

void Session::Impl::mend() {
  if (whole()) return;
  if (compacted_) {
    fail(
        ErrorKind::kInvalidArgument,
        "a failure left the session's cache incomplete, and what compact() evicted cannot be computed again: reset it");
  }
  std::vector<Token> tokens = tokens_;
  std::vector<bool> alone = alone_;
  cache_.clear();
  tokens_.clear();
  alone_.clear();
  shared_tokens_ = 0;
  whole_ = true;
  damaged_ = false;
  feed_again(std::move(tokens), std::move(alone));
}

void Session::Impl::feed_again(std::vector<Token> tokens, std::vector<bool> alone) {
  try {
    for (std::size_t first = tokens_.size(); first < tokens.size();) {
      std::size_t last = first + 1;
      const bool single = !alone.empty() && alone[first];
      while (!single && last < tokens.size() && (alone.empty() || !alone[last])) ++last;
      feed(std::span(tokens).subspan(first, last - first), single, std::stop_token{}, {});
      first = last;
    }
  } catch (...) {
    tokens_ = std::move(tokens);
    alone_ = std::move(alone);
    whole_ = false;
    throw;
  }
}

}  // namespace pith
