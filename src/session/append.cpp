#include <cstddef>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "base/fail.h"
#include "kv/evict/drop.h"
#include "kv/store/snapshot.h"
#include "session/session_impl.h"

// A session that stands in another one.

namespace pith {

void Session::Impl::close_page() {
  const std::size_t open = state_.position() % kv::kPageTokens;
  if (open == 0) return;
  const std::size_t tokens = state_.tokens.size();
  const std::size_t missing = kv::kPageTokens - open;
  const std::vector<Token> fill(missing, state_.tokens.back());
  feed(fill, false, std::stop_token{}, {});
  kv::drop(cache_, *pool_, cache_.tokens() - missing, cache_.tokens());
  state_.tokens.resize(tokens);
  state_.altered.take_out(missing, tokens);
}

void Session::Impl::append(const Impl& document, const AppendOptions& options) {
  if (model_.impl() != document.model_.impl())
    fail(ErrorKind::kInvalidArgument, "append: the document belongs to another model");
  if (kv::codec_fingerprint(cache_) != kv::codec_fingerprint(document.cache_)) {
    fail(ErrorKind::kInvalidArgument, "append: the document's codecs are {} and {}, the session's {} and {}",
         document.kv_.key, document.kv_.value, kv_.key, kv_.value);
  }
  if (cache_.options().ranks != nullptr) fail(ErrorKind::kUnsupported, "append: not in a session of a cluster");
  check_alterable("append");
  document.check_alterable("append: the document");
  if (!document.cache_.borrowed().empty())
    fail(ErrorKind::kUnsupported, "append: other documents were appended to the document");
  const std::size_t tokens = document.state_.tokens.size();
  if (options.skip > tokens || options.seam > tokens - options.skip) {
    fail(ErrorKind::kInvalidArgument, "append: skip and seam are {} and {}, the document has {} tokens", options.skip,
         options.seam, tokens);
  }
  if (!document.whole())
    fail(ErrorKind::kInvalidArgument, "append: a failure left the document's cache incomplete: feed or truncate it");
  const std::span<const Token> wanted = std::span(document.state_.tokens).subspan(options.skip);
  mend();
  check(wanted);
  document.check_pages();

  // All of it is done on a fork, which shares the pages: a failure changes nothing.
  Impl next(*this);
  const session::Use use(next.budget_);
  next.marks_.complete(next.cache_);
  next.marks_.end_at(state_.tokens.size());
  next.sharing_ = {};
  next.mark_every_ = 0;
  next.feed(wanted.first(options.seam), false, std::stop_token{}, {});
  if (const std::span<const Token> taken = wanted.subspan(options.seam); !taken.empty()) {
    next.close_page();
    auto cache = std::make_shared<kv::Cache>(document.cache_);
    kv::drop(*cache, *pool_, 0, cache->holes().position_of(tokens - taken.size()));
    next.cache_.borrow(std::move(cache));
    next.state_.tokens.insert(next.state_.tokens.end(), taken.begin(), taken.end());
    next.state_.altered.put_in(taken.size(), next.state_.tokens.size());
    next.state_.logits.reset();
  }
  cache_ = std::move(next.cache_);
  state_ = std::move(next.state_);
  marks_ = std::move(next.marks_);
  boundary_.reset();
}

}  // namespace pith
