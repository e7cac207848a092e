#include "session/session_impl.h"

#include <algorithm>
#include <utility>

#include "base/fail.h"
#include "base/worker_pool.h"
#include "kv/core/rewind.h"
#include "kv/evict/footprint.h"
#include "kv/store/integrity.h"
#include "options/check.h"
#include "options/session_options.h"
#include "session/reconstruction.h"

namespace pith {
namespace {

/// Tokens of a batch, fewer where a model's shape makes their activations large; results do not depend on it.
int batch_for(const Model& model, int tokens) {
  const std::size_t most = model::Buffers::tokens_within(model.impl()->spec(), model::Buffers::kBytesMax);
  return static_cast<int>(std::min(static_cast<std::size_t>(tokens), most));
}

}  // namespace

namespace session {

std::shared_ptr<const session::Eviction> make_eviction(const Model& model, const EvictionOptions& options) {
  if (options.policy.empty()) {
    if (options.budget_tokens != 0 || options.budget_bytes != 0)
      fail(ErrorKind::kInvalidArgument, "an eviction budget needs a policy, and none is named");
    return nullptr;
  }
  return std::make_shared<const session::Eviction>(options, model.impl()->spec().layers.front().attention.scale);
}

}  // namespace session

Session::Impl::Impl(Model model, const SessionOptions& options)
    : model_(std::move(model)),
      context_(options::checked(options).context != 0 ? options.context : model_.info().context_trained),
      batch_(batch_for(model_, options.batch_tokens)),
      pool_(pool_of(options.workers, options.threads)),
      kv_(session::resolved(options.kv)),
      eviction_(session::make_eviction(model_, options.eviction)),
      cache_(
          session::make_cache(model_, kv_, eviction_ != nullptr ? eviction_->observed() : std::vector<PolicyNeeds>{})),
      sampler_(SamplingOptions{}, model_.tokenizer().vocab_size()) {
  if (pool_ == nullptr) pool_ = model_.impl()->pool(options.threads);
  if (options.share_prefixes && eviction_ == nullptr && !cache_.options().sparse.on())
    sharing_ = session::PrefixSharing(kv_);
  if (context_ > model_.info().context_trained) {
    model_.impl()->log().warn("the session's context is {}, the model was trained for {}", context_,
                              model_.info().context_trained);
  }
}

Session::Impl::Impl(const Impl& other)
    : model_(other.model_),
      context_(other.context_),
      batch_(other.batch_),
      pool_(other.pool_),
      kv_(other.kv_),
      eviction_(other.eviction_),
      cache_(other.cache_),
      sampler_(other.sampler_),
      tokens_(other.tokens_),
      alone_(other.alone_),
      logits_(other.logits_),
      compacted_(other.compacted_),
      whole_(other.whole()),
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
    fail(ErrorKind::kContextFull, "{} tokens do not fit after {} already held: the context is {}", tokens.size(),
         tokens_.size(), context_);
  }
  const int vocab = model_.info().vocab;
  for (const Token token : tokens) {
    if (token < 0 || token >= vocab)
      fail(ErrorKind::kInvalidArgument, "token {} is outside the vocabulary of {}", token, vocab);
  }
}

void Session::Impl::run(model::Forward& forward, std::span<const Token> batch, std::size_t end, bool alone) {
  forget_logits();
  whole_ = false;
  if (eviction_ != nullptr) {
    eviction_->make_room(cache_, *pool_);
    if (streams()) end = eviction_->next_decision(tokens_.size());
    cache_.observers().begin_batch(tokens_.size(), batch.size(), end);
  }
  forward.run(batch, alone);
  if (cache_.options().sparse.on()) alone_.resize(tokens_.size() + batch.size(), alone);
  tokens_.insert(tokens_.end(), batch.begin(), batch.end());
  whole_ = true;
}

std::size_t Session::Impl::take_prefix(std::span<const Token> tokens) {
  if (!sharing_.on() || !tokens_.empty() || tokens.size() < 2) return 0;
  // The last token is fed in any case, for its logits.
  const auto [state, count] = model_.impl()->prefixes().find(sharing_.config(), tokens.first(tokens.size() - 1));
  if (!state || !kv::pages_intact(state->cache, *pool_)) return 0;
  whole_ = false;
  cache_ = kv::Cache(state->cache);
  if (count != state->tokens.size()) kv::rewind(cache_, count);
  tokens_.assign(tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(count));
  whole_ = true;
  shared_tokens_ = count;
  return count;
}

void Session::Impl::keep_logits(std::span<const float> logits) {
  // Those that a fork shares stay what they are.
  if (logits_ == nullptr || logits_.use_count() > 1) logits_ = std::make_shared<std::vector<float>>();
  logits_->assign(logits.begin(), logits.end());
}

bool Session::Impl::feed(std::span<const Token> tokens, const std::stop_token& stop, const session::FeedSinks& sinks) {
  mend();
  check(tokens);
  // Before a prefix is taken, which has no logits.
  if (!tokens.empty() && stop.stop_requested()) return false;
  if (tokens.size() > 1) check_pages();
  if (!sinks.any()) tokens = tokens.subspan(take_prefix(tokens));
  return feed(tokens, tokens.size() == 1, stop, sinks);
}

bool Session::Impl::feed(std::span<const Token> tokens, bool alone, const std::stop_token& stop,
                         const session::FeedSinks& sinks) {
  if (tokens.empty()) return true;
  const bool single = tokens.size() == 1;
  const std::size_t end = tokens_.size() + tokens.size();
  const auto lease = model_.impl()->workspaces().take(*model_.impl(), cache_,
                                                      std::min(tokens.size(), static_cast<std::size_t>(batch_)),
                                                      static_cast<std::size_t>(batch_), pool_->size());
  model::Forward forward(*model_.impl(), cache_, *pool_, *lease);
  for (std::size_t row = 0; !tokens.empty();) {
    const auto batch = tokens.first(next_batch(tokens.size()));
    run(forward, batch, end, alone);
    tokens = tokens.subspan(batch.size());
    // Asked once: a request that comes a moment later must not end the feed without logits.
    const bool stopped = !tokens.empty() && stop.stop_requested();
    if (sharing_.on() && tokens_.size() % kv::kPageTokens == 0 && tokens.size() < kv::kPageTokens)
      sharing_.offer(model_.impl()->prefixes(), cache_, tokens_, !single);
    const bool kept = hand_out(forward, row, batch.size(), sinks);
    row += batch.size();
    // Logits are worth their price after the last token only, unless a stop request makes this one the last.
    if ((tokens.empty() || stopped) && !kept) {
      forward.logits(batch.size() - 1, 1, [&](std::size_t, std::span<const float> logits) { keep_logits(logits); });
    }
    if (stopped) return false;
  }
  return true;
}

bool Session::Impl::hand_out(model::Forward& forward, std::size_t row, std::size_t count,
                             const session::FeedSinks& sinks) {
  const auto position = [&](std::size_t r) { return static_cast<int>(tokens_.size() - count + r); };
  if (sinks.hidden) {
    forward.hidden(0, count, [&](std::size_t r, std::span<const float> hidden) { sinks.hidden(position(r), hidden); });
  }
  if (!sinks.logits || row + count <= sinks.logits_from) return false;
  const std::size_t first = sinks.logits_from > row ? sinks.logits_from - row : 0;
  forward.logits(first, count - first, [&](std::size_t r, std::span<const float> logits) {
    if (r + 1 == count) keep_logits(logits);
    sinks.logits(position(r), logits);
  });
  return true;
}

std::vector<Token> Session::Impl::encode(std::string_view text, bool parse_special) const {
  return model_.tokenizer().encode(text, {.add_special = tokens_.empty(), .parse_special = parse_special});
}

std::span<const float> Session::Impl::logits() const {
  if (logits_ == nullptr || logits_->empty()) {
    fail(ErrorKind::kInvalidArgument, "logits were asked for before any token was fed, or after feeding failed");
  }
  return *logits_;
}

std::span<const float> Session::Impl::vocab_logits(std::span<const float> logits) const {
  return logits.first(std::min(logits.size(), static_cast<std::size_t>(model_.tokenizer().vocab_size())));
}

void Session::Impl::reset() {
  cache_.clear();
  tokens_.clear();
  alone_.clear();
  forget_logits();
  compacted_ = false;
  whole_ = true;
  damaged_ = false;
  sharing_.clear();
  shared_tokens_ = 0;
}

void Session::Impl::compact(const session::Eviction& eviction, std::size_t budget) {
  mend();
  check_pages();
  const PolicyNeeds& needs = eviction.needs();
  const std::size_t before = kv::held_tokens(cache_);
  if (before <= budget) return;
  const bool observed = needs.queries == 0 || needs.reconstruction || cache_.observers().find(needs) != nullptr;
  if (!observed || (needs.query_statistics && !cache_.keeps_query_sums())) {
    fail(ErrorKind::kInvalidArgument, "compact: the session does not observe what policy \"{}\" needs",
         eviction.options().policy);
  }
  whole_ = false;
  if (needs.reconstruction) {
    cache_.observers().add(
        session::reconstruct(model_, cache_, *pool_, tokens_, needs, static_cast<std::size_t>(batch_)));
  }
  eviction.compact(cache_, *pool_, budget);
  if (needs.reconstruction) cache_.observers().remove(needs);
  whole_ = true;
  compacted_ = compacted_ || kv::held_tokens(cache_) != before;
}

void Session::Impl::check_pages() const {
  if (!whole()) return;
  try {
    kv::verify_pages(cache_, *pool_);
  } catch (const Error&) {
    damaged_ = true;
    throw;
  }
}

SessionMemory Session::Impl::memory() const {
  SessionMemory memory;
  memory.cache = cache_.bytes().total() + cache_.observed_bytes();
  memory.state = sizeof(Impl) + cache_.table_bytes() + tokens_.capacity() * sizeof(Token) + alone_.capacity() / 8 +
                 (logits_ == nullptr ? 0 : logits_->capacity() * sizeof(float)) + sampler_.buffer_bytes();
  memory.scratch_shared = model_.impl()->workspaces().bytes();
  return memory;
}

}  // namespace pith
