#include "kv/evict/drop.h"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "base/fail.h"
#include "kv/share/pages.h"
#include "session/session_impl.h"

// Tokens that are taken out of the middle of a session.

namespace pith {

void Session::Impl::check_alterable(const char* what) const {
  if (!model_.impl()->spec().positions_move()) {
    fail(ErrorKind::kUnsupported, "{}: {} models see what comes before a token otherwise than by attention and RoPE",
         what, model_.info().architecture);
  }
  if (eviction_ != nullptr)
    fail(ErrorKind::kUnsupported, "{}: the session has an eviction policy, \"{}\"", what, eviction_->options().policy);
  if (cache_.options().sparse.on())
    fail(ErrorKind::kUnsupported, "{}: the session reads sparsely (read_share {})", what, kv_.read_share);
  if (state_.altered.compacted) fail(ErrorKind::kUnsupported, "{}: compact() has evicted tokens", what);
}

void Session::Impl::drop(std::size_t first, std::size_t count) {
  const std::size_t tokens = state_.tokens.size();
  if (first > tokens || count > tokens - first) {
    fail(ErrorKind::kInvalidArgument, "drop {} tokens from token {} on, the session has {}", count, first, tokens);
  }
  if (count == 0) return;
  if (first + count == tokens) {
    truncate(first);
    return;
  }
  check_alterable("drop");
  if (!cache_.borrowed().empty()) fail(ErrorKind::kUnsupported, "drop: documents were appended to the session");
  mend();
  check_pages();
  // All of it is done on copies, which share the pages: a failure changes nothing.
  kv::Cache cache = cache_;
  const kv::Holes& holes = cache.holes();
  {
    const kv::WholeCache all_pages(cache);
    kv::drop(cache, *pool_, holes.position_of(first), holes.position_of(first + count));
  }
  session::Marks marks = marks_;
  marks.drop(first, count, cache_, *pool_);
  std::vector<Token> left(state_.tokens.begin(), state_.tokens.begin() + static_cast<std::ptrdiff_t>(first));
  left.insert(left.end(), state_.tokens.begin() + static_cast<std::ptrdiff_t>(first + count), state_.tokens.end());
  cache_ = std::move(cache);
  marks_ = std::move(marks);
  state_.tokens = std::move(left);
  state_.altered.take_out(count, state_.tokens.size());
  state_.shared_tokens = std::min(state_.shared_tokens, first);
  boundary_.reset();
}

}  // namespace pith
