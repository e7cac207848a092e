#include "session/session_impl.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/fail.h"
#include "base/worker_pool.h"
#include "kv/core/rewind.h"
#include "kv/evict/footprint.h"
#include "kv/store/integrity.h"
#include "model/same_on_ranks.h"
#include "options/check.h"
#include "options/session_options.h"
#include "session/feed.h"
#include "session/reconstruction.h"
#include "session/snapshot_options.h"

namespace pith {

namespace session {

std::size_t batch_rows(const Model& model, int tokens) {
  const std::size_t most = model::Buffers::tokens_within(model.impl()->spec(), model::Buffers::kBytesMax);
  return std::min(static_cast<std::size_t>(tokens), most);
}

std::shared_ptr<const session::Eviction> make_eviction(const Model& model, const EvictionOptions& options) {
  if (!options.policy.empty() && !model.impl()->spec().first_attending().attention.caches()) {
    fail(ErrorKind::kUnsupported, "eviction policy \"{}\": {} models cache no tokens, which it could evict",
         options.policy, model.info().architecture);
  }
  if (options.policy.empty()) {
    if (options.budget_tokens != 0 || options.budget_bytes != 0)
      fail(ErrorKind::kInvalidArgument, "an eviction budget needs a policy, and none is named");
    return nullptr;
  }
  return std::make_shared<const session::Eviction>(options, model.impl()->spec().first_attending().attention.scale);
}

}  // namespace session

Session::Impl::Impl(Model model, const SessionOptions& options)
    : model_(std::move(model)),
      context_(options::checked(options).context != 0 ? options.context : model_.info().context_trained),
      batch_(session::batch_rows(model_, options.batch_tokens)),
      pool_(pool_of(options.workers, options.threads)),
      kv_(session::resolved(options.kv)),
      eviction_(session::make_eviction(model_, options.eviction)),
      marks_share_(model_.impl()->ranks() == nullptr ? options.marks_share : 0.0),
      mark_every_(static_cast<std::size_t>(options.mark_every)),
      cache_(session::make_cache(model_, kv_, eviction_ != nullptr ? eviction_->observed() : std::vector<PolicyNeeds>{},
                                 session::BudgetMember::counter_of(options.kv_budget))),
      state_(Sampler(SamplingOptions{}, model_.tokenizer().vocab_size())),
      budget_(options.kv_budget, *this) {
  check_ranks(options);
  if (pool_ == nullptr) pool_ = model_.impl()->pool(options.threads);
  if (eviction_ == nullptr && !cache_.options().sparse.on()) {
    if (options.share_prefixes) sharing_ = session::PrefixSharing(kv_);
    if (options.prefix_store != nullptr) stored_ = session::StoredPrefixes(options.prefix_store, model_);
  }
  if (const std::size_t positions = model_.impl()->spec().learned_positions;
      positions != 0 && static_cast<std::size_t>(context_) > positions) {
    fail(ErrorKind::kInvalidArgument, "context is {}, the model has embeddings of {} positions", context_, positions);
  }
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
      marks_share_(other.marks_share_),
      mark_every_(other.mark_every_),
      cache_(other.cache_),
      state_(other.state_),
      marks_(other.marks_),
      wholeness_(other.whole()),
      sharing_(other.sharing_.fork()),
      stored_(other.stored_),
      boundary_(other.boundary_),
      budget_(other.budget_, *this) {}

void Session::Impl::check_ranks(const SessionOptions& options) const {
  if (cache_.options().ranks == nullptr) return;
  const char* const refused = cache_.options().sparse.on()      ? "sparse reading (read_share)"
                              : options.share_prefixes          ? "sharing prefixes (share_prefixes)"
                              : options.prefix_store != nullptr ? "a store of prefixes (prefix_store)"
                              : options.kv_budget != nullptr    ? "a budget of several sessions (kv_budget)"
                                                                : nullptr;
  if (refused != nullptr) fail(ErrorKind::kUnsupported, "{}: not in a session of a cluster", refused);
  io::FieldWriter fields;
  session::put(fields, options);
  model::check_same(*cache_.options().ranks, fields.bytes(), "makes its session with other options");
}

std::size_t Session::Impl::next_batch(std::size_t tokens) const {
  std::size_t count = std::min(tokens, batch_);
  if (sharing_.on() || stored_.on())
    count = std::min(count, session::PrefixSharing::tokens_to_last_page(state_.tokens.size(), tokens));
  if (mark_every_ != 0) count = std::min(count, mark_every_ - state_.tokens.size() % mark_every_);
  if (streams()) count = std::min(count, eviction_->next_decision(state_.tokens.size()) - state_.tokens.size());
  return count;
}

void Session::Impl::check(std::span<const Token> tokens) const {
  if (model_.info().encoder) {
    fail(ErrorKind::kUnsupported, "{} models read a text as a whole: Session::embed() is for them",
         model_.info().architecture);
  }
  check_tokens(tokens);
}

void Session::Impl::check_tokens(std::span<const Token> tokens) const {
  if (!streams() && tokens.size() > static_cast<std::size_t>(context_) - state_.tokens.size()) {
    fail(ErrorKind::kContextFull, "{} tokens do not fit after {} already held: the context is {}", tokens.size(),
         state_.tokens.size(), context_);
  }
  const int vocab = model_.info().vocab;
  for (const Token token : tokens) {
    if (token < 0 || token >= vocab)
      fail(ErrorKind::kInvalidArgument, "token {} is outside the vocabulary of {}", token, vocab);
  }
}

std::size_t Session::Impl::take_prefix(std::span<const Token> tokens) {
  if (!state_.tokens.empty() || tokens.size() < 2) return 0;
  // The last token is fed in any case, for its logits.
  const std::span<const Token> wanted = tokens.first(tokens.size() - 1);
  session::PrefixIndex::Match shared;
  if (sharing_.on()) shared = prefixes().find(sharing_.config(), wanted);
  if (shared.state != nullptr && !kv::pages_intact(shared.state->cache, *pool_)) shared = {};
  std::optional<session::StoredPrefixes::Found> stored = stored_.find(cache_, wanted, shared.tokens);
  if (shared.state == nullptr && !stored) return 0;
  const std::size_t count = stored ? stored->tokens : shared.tokens;
  if (stored) budget_.make_room(0);
  session::Change change(wholeness_);
  cache_ = stored ? std::move(stored->cache) : kv::Cache(shared.state->cache);
  if (!stored && count != shared.state->tokens.size()) kv::rewind(cache_, count);
  state_.tokens.assign(tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(count));
  change.done();
  state_.shared_tokens = count;
  return count;
}

std::span<const Token> Session::Impl::prepare(std::span<const Token> tokens, bool handed_out) {
  mend();
  check(tokens);
  if (tokens.size() > 1) check_pages();
  return handed_out ? tokens : tokens.subspan(take_prefix(tokens));
}

bool Session::Impl::feed(std::span<const Token> tokens, const std::stop_token& stop, const session::FeedSinks& sinks) {
  // Before a prefix is taken, which has no logits.
  if (!tokens.empty() && stop.stop_requested()) {
    mend();
    check(tokens);
    return false;
  }
  tokens = prepare(tokens, sinks.any());
  return feed(tokens, tokens.size() == 1, stop, sinks);
}

bool Session::Impl::feed(std::span<const Token> tokens, bool alone, const std::stop_token& stop,
                         const session::FeedSinks& sinks) {
  if (tokens.empty()) return true;
  session::Feed feed(*this, tokens, alone, sinks);
  return session::run_feeds(std::span(&feed, 1), *pool_, batch_, stop, [](std::size_t) { throw; });
}

std::vector<Token> Session::Impl::encode(std::string_view text, bool parse_special) const {
  return model_.tokenizer().encode(text, {.add_special = state_.tokens.empty(), .parse_special = parse_special});
}

std::span<const float> Session::Impl::logits() const {
  if (state_.logits == nullptr || state_.logits->empty()) {
    fail(ErrorKind::kInvalidArgument, "logits were asked for before any token was fed, or after feeding failed");
  }
  return *state_.logits;
}

std::span<const float> Session::Impl::vocab_logits(std::span<const float> logits) const {
  return logits.first(std::min(logits.size(), static_cast<std::size_t>(model_.tokenizer().vocab_size())));
}

void Session::Impl::reset() {
  cache_.clear();
  state_.clear();
  marks_.clear();
  boundary_.reset();
  wholeness_.renew();
  sharing_.clear();
}

void Session::Impl::compact(const session::Eviction& eviction, std::size_t budget) {
  mend();
  check_pages();
  // A packed page would hold tokens of both sides of a hole, which do not move alike.
  if (state_.altered.any && !state_.altered.compacted)
    fail(ErrorKind::kUnsupported, "compact: drop() or append() was called on the session");
  const PolicyNeeds& needs = eviction.needs();
  const std::size_t before = kv::held_tokens(cache_);
  if (before <= budget) return;
  const bool observed = needs.queries == 0 || needs.reconstruction || cache_.observers().find(needs) != nullptr;
  if (!observed || (needs.query_statistics && !cache_.keeps_query_sums())) {
    fail(ErrorKind::kInvalidArgument, "compact: the session does not observe what policy \"{}\" needs",
         eviction.options().policy);
  }
  marks_.complete(cache_);
  session::Change change(wholeness_);
  if (needs.reconstruction) {
    cache_.observers().add(session::reconstruct(model_, cache_, *pool_, state_.tokens, needs, batch_));
  }
  eviction.compact(cache_, *pool_, budget);
  if (needs.reconstruction) cache_.observers().remove(needs);
  change.done();
  if (kv::held_tokens(cache_) == before) return;
  state_.altered.compact(state_.tokens.size());
  marks_.end_at(state_.tokens.size());
}

std::size_t Session::Impl::unshared_bytes() const noexcept {
  const auto owners = static_cast<std::size_t>(std::max(state_.logits.use_count(), 1L));
  return state_bytes() + logits_bytes() / owners + cache_.open_bytes() + cache_.observed_bytes();
}

std::size_t Session::Impl::state_bytes() const noexcept {
  return sizeof(Impl) + cache_.table_bytes() + state_.tokens.capacity() * sizeof(Token) + state_.alone.capacity() / 8 +
         state_.sampler.buffer_bytes();
}

std::size_t Session::Impl::logits_bytes() const noexcept {
  return state_.logits == nullptr ? 0 : state_.logits->capacity() * sizeof(float);
}

void Session::Impl::forget_more_than_cache() {
  marks_.clear();
  sharing_.clear();
  boundary_.reset();
}

bool Session::Impl::can_park() const {
  return whole() && cache_.tokens() != 0 && cache_.borrowed().empty() && !cache_.options().sparse.on();
}

void Session::Impl::check_pages() const {
  if (!whole()) return;
  try {
    kv::verify_pages(cache_, *pool_);
  } catch (const Error&) {
    wholeness_.damage();
    throw;
  }
}

SessionMemory Session::Impl::memory() const {
  SessionMemory memory;
  memory.cache = cache_.bytes().total() + cache_.observed_bytes();
  memory.marks = marks_.bytes(cache_);
  memory.state = state_bytes() + logits_bytes();
  memory.scratch_shared = model_.impl()->workspaces().bytes();
  return memory;
}

}  // namespace pith
