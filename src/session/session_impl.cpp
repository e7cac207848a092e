#include "session/session_impl.h"

#include <algorithm>
#include <utility>

#include "base/fail.h"
#include "kv/integrity.h"
#include "session/reconstruction.h"

namespace pith {
namespace {

int checked_batch(int tokens) {
  if (tokens < 1 || tokens > session::kBatchMax) {
    fail(ErrorKind::kInvalidArgument, "batch_tokens is {}, allowed are 1 to {}", tokens, session::kBatchMax);
  }
  return tokens;
}

/// Tokens of a batch, fewer where a model's shape makes their activations large; results do not depend on it.
int batch_for(const Model& model, int tokens) {
  const std::size_t most = model::Buffers::tokens_within(model.impl()->hparams(), model::Buffers::kBytesMax);
  return static_cast<int>(std::min(static_cast<std::size_t>(tokens), most));
}

int checked_context(int context, int trained) {
  if (context < 0) fail(ErrorKind::kInvalidArgument, "context is {}, must be at least 0", context);
  return context == 0 ? trained : context;
}

}  // namespace

namespace session {

std::shared_ptr<const session::Eviction> make_eviction(const Model& model, const EvictionOptions& options) {
  if (options.policy.empty()) {
    if (options.budget_tokens != 0 || options.budget_bytes != 0)
      fail(ErrorKind::kInvalidArgument, "an eviction budget needs a policy, and none is named");
    return nullptr;
  }
  return std::make_shared<const session::Eviction>(options, model.impl()->hparams().attention_scale);
}

}  // namespace session

Session::Impl::Impl(Model model, const SessionOptions& options)
    : model_(std::move(model)),
      context_(checked_context(options.context, model_.info().context_trained)),
      batch_(batch_for(model_, checked_batch(std::min(options.batch_tokens, session::kBatchMax + 1)))),
      pool_(options.threads),
      kv_(options.kv),
      threads_(options.threads),
      eviction_(session::make_eviction(model_, options.eviction)),
      cache_(session::make_cache(model_, kv_)),
      forward_(*model_.impl(), cache_, pool_, static_cast<std::size_t>(batch_)),
      sampler_(SamplingOptions{}, model_.tokenizer().vocab_size()) {
  if (eviction_ != nullptr) eviction_->prepare(cache_);
  if (options.share_prefixes && eviction_ == nullptr && !cache_.sparse().on()) sharing_ = session::PrefixSharing(kv_);
}
Session::Impl::Impl(const Impl& other)
    : model_(other.model_),
      context_(other.context_),
      batch_(other.batch_),
      pool_(other.threads_),
      kv_(other.kv_),
      threads_(other.threads_),
      eviction_(other.eviction_),
      cache_(other.cache_),
      forward_(*model_.impl(), cache_, pool_, static_cast<std::size_t>(batch_)),
      sampler_(other.sampler_),
      tokens_(other.tokens_),
      alone_(other.alone_),
      logits_(other.logits_),
      compacted_(other.compacted_),
      whole_(other.whole_),
      sharing_(other.sharing_.fork()),
      shared_tokens_(other.shared_tokens_) {}

std::size_t Session::Impl::next_batch(std::size_t tokens) const {
  std::size_t count = std::min(tokens, static_cast<std::size_t>(batch_));
  if (sharing_.on()) count = std::min(count, session::PrefixSharing::tokens_to_last_page(tokens_.size(), tokens));
  if (streams()) count = std::min(count, eviction_->next_decision(tokens_.size()) - tokens_.size());
  return count;
}

void Session::Impl::check(std::span<const Token> tokens) const {
  if (!streams() && tokens.size() > static_cast<std::size_t>(context_) - tokens_.size()) {
    fail(ErrorKind::kContextFull, "{} tokens do not fit behind {} already held: the context is {}", tokens.size(),
         tokens_.size(), context_);
  }
  const int vocab = model_.info().vocab;
  for (const Token token : tokens) {
    if (token < 0 || token >= vocab)
      fail(ErrorKind::kInvalidArgument, "token {} is outside the vocabulary of {}", token, vocab);
  }
}

void Session::Impl::run(std::span<const Token> batch, std::size_t end, bool alone) {
  logits_.clear();
  whole_ = false;
  if (eviction_ != nullptr) {
    eviction_->make_room(cache_, pool_);
    if (streams()) end = eviction_->next_decision(tokens_.size());
    cache_.observers().begin_batch(tokens_.size(), batch.size(), end);
  }
  forward_.run(batch, alone);
  if (cache_.sparse().on()) alone_.resize(tokens_.size() + batch.size(), alone);
  tokens_.insert(tokens_.end(), batch.begin(), batch.end());
  whole_ = true;
}

std::size_t Session::Impl::take_prefix(std::span<const Token> tokens) {
  if (!sharing_.on() || !tokens_.empty() || tokens.size() < 2) return 0;
  // The last token is fed in any case, for its logits.
  const auto [state, count] = model_.impl()->prefixes().find(sharing_.config(), tokens.first(tokens.size() - 1));
  if (!state || !kv::pages_intact(state->cache, pool_)) return 0;
  whole_ = false;
  cache_ = kv::Cache(state->cache);
  if (count != state->tokens.size()) cache_.rewind(count);
  tokens_.assign(tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(count));
  whole_ = true;
  shared_tokens_ = count;
  return count;
}

void Session::Impl::keep_logits(std::size_t row) {
  forward_.logits(row, 1,
                  [&](std::size_t, std::span<const float> logits) { logits_.assign(logits.begin(), logits.end()); });
}

bool Session::Impl::feed(std::span<const Token> tokens, const std::stop_token& stop) {
  mend();
  check(tokens);
  // Before a prefix is taken, which has no logits.
  if (!tokens.empty() && stop.stop_requested()) return false;
  if (tokens.size() > 1) check_pages();
  tokens = tokens.subspan(take_prefix(tokens));
  return feed(tokens, tokens.size() == 1, stop);
}

bool Session::Impl::feed(std::span<const Token> tokens, bool alone, const std::stop_token& stop) {
  const bool single = tokens.size() == 1;
  const std::size_t end = tokens_.size() + tokens.size();
  while (!tokens.empty()) {
    const auto batch = tokens.first(next_batch(tokens.size()));
    run(batch, end, alone);
    tokens = tokens.subspan(batch.size());
    // Asked once: a request that comes a moment later must not end the feed without logits.
    const bool stopped = !tokens.empty() && stop.stop_requested();
    if (sharing_.on() && tokens_.size() % kv::kPageTokens == 0 && tokens.size() < kv::kPageTokens)
      sharing_.offer(model_.impl()->prefixes(), cache_, tokens_, !single);
    // Logits are worth their price after the last token only, unless a stop request makes this one the last.
    if (tokens.empty() || stopped) keep_logits(batch.size() - 1);
    if (stopped) return false;
  }
  return true;
}

void Session::Impl::feed(std::span<const Token> tokens, const LogitsSink& on_logits) {
  mend();
  check(tokens);
  if (tokens.size() > 1) check_pages();
  const std::size_t end = tokens_.size() + tokens.size();
  const bool alone = tokens.size() == 1;
  while (!tokens.empty()) {
    const auto batch = tokens.first(next_batch(tokens.size()));
    const int position = static_cast<int>(tokens_.size());
    run(batch, end, alone);
    tokens = tokens.subspan(batch.size());
    forward_.logits(0, batch.size(), [&](std::size_t row, std::span<const float> logits) {
      if (tokens.empty() && row + 1 == batch.size()) logits_.assign(logits.begin(), logits.end());
      if (on_logits) on_logits(position + static_cast<int>(row), logits);
    });
  }
}

std::vector<Token> Session::Impl::encode(std::string_view text, bool parse_special) const {
  return model_.tokenizer().encode(text, {.add_special = tokens_.empty(), .parse_special = parse_special});
}

std::span<const float> Session::Impl::logits() const {
  if (logits_.empty()) {
    fail(ErrorKind::kInvalidArgument, "logits were asked for before any token was fed, or after feeding failed");
  }
  return logits_;
}

/// Some files pad the embedding beyond the vocabulary: those rows are never drawn.
Token Session::Impl::sample() {
  return sampler_.sample(logits().first(static_cast<std::size_t>(model_.tokenizer().vocab_size())), tokens_);
}

void Session::Impl::reset() {
  cache_.clear();
  tokens_.clear();
  alone_.clear();
  logits_.clear();
  compacted_ = false;
  whole_ = true;
  sharing_.clear();
  shared_tokens_ = 0;
}

void Session::Impl::compact(const session::Eviction& eviction, std::size_t budget) {
  mend();
  check_pages();
  const PolicyNeeds& needs = eviction.needs();
  const std::size_t before = session::held_tokens(cache_);
  if (before <= budget) return;
  const bool observed = needs.queries == 0 || needs.reconstruction || cache_.observers().find(needs) != nullptr;
  if (!observed || (needs.query_statistics && !cache_.query_sums().enabled())) {
    fail(ErrorKind::kInvalidArgument, "compact: the session does not observe what policy \"{}\" needs",
         eviction.options().policy);
  }
  whole_ = false;
  if (needs.reconstruction) {
    cache_.observers().add(
        session::reconstruct(model_, cache_, pool_, tokens_, needs, static_cast<std::size_t>(batch_)));
  }
  eviction.compact(cache_, pool_, budget);
  if (needs.reconstruction) cache_.observers().remove(needs);
  whole_ = true;
  compacted_ = compacted_ || session::held_tokens(cache_) != before;
}

void Session::Impl::truncate(std::size_t tokens) {
  if (tokens > tokens_.size()) {
    fail(ErrorKind::kInvalidArgument, "truncate to {} tokens, the session has {}", tokens, tokens_.size());
  }
  if (compacted_) fail(ErrorKind::kInvalidArgument, "truncate to {} tokens, but compact() evicted some", tokens);
  if (tokens == tokens_.size() && whole_) return;
  check_pages();
  std::vector<Token> kept(tokens_.begin(), tokens_.begin() + static_cast<std::ptrdiff_t>(tokens));
  std::vector<bool> alone = alone_;
  const std::size_t from = whole_ ? rewind_towards(tokens) : 0;
  if (from == 0) cache_.clear();
  tokens_.resize(from);
  alone_.resize(std::min(alone_.size(), from));
  logits_.clear();
  whole_ = true;
  feed_again(std::move(kept), std::move(alone));
}

/// The state that the tokens were in up to some point is still there, or it is nothing.
std::size_t Session::Impl::rewind_towards(std::size_t tokens) {
  if (eviction_ != nullptr) return 0;
  const std::size_t sealed = tokens_.size() / kv::kPageTokens * kv::kPageTokens;
  // The last token goes through the model in any case, for its logits.
  const std::size_t last = tokens - std::min<std::size_t>(tokens, 1);
  // No page was sealed since, but a window may have moved on from one.
  const bool only_open = last >= sealed && cache_.can_rewind(last);
  std::size_t from = only_open ? last : last / kv::kPageTokens * kv::kPageTokens;
  while (!only_open && from != 0 && !cache_.can_rewind(from)) from -= kv::kPageTokens;
  if (from == 0) return 0;
  whole_ = false;
  if (only_open) {
    cache_.forget_open(from);
  } else {
    cache_.rewind(from);
  }
  return from;
}

void Session::Impl::check_pages() {
  if (!whole_) return;
  whole_ = false;
  kv::verify_pages(cache_, pool_);
  whole_ = true;
}

void Session::Impl::mend() {
  if (whole_) return;
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
  feed_again(std::move(tokens), std::move(alone));
}

void Session::Impl::feed_again(std::vector<Token> tokens, std::vector<bool> alone) {
  try {
    for (std::size_t first = tokens_.size(); first < tokens.size();) {
      std::size_t last = first + 1;
      const bool single = !alone.empty() && alone[first];
      while (!single && last < tokens.size() && (alone.empty() || !alone[last])) ++last;
      feed(std::span(tokens).subspan(first, last - first), single, std::stop_token{});
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
