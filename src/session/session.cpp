#include <pith/session.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "base/fail.h"
#include "base/thread_pool.h"
#include "kv/cache.h"
#include "model/forward.h"
#include "session/cache.h"
#include "session/eviction.h"
#include "session/sampler.h"
#include "session/stop_strings.h"

namespace pith {
namespace {

constexpr int kBatchMax = 4096;

int checked_batch(int tokens) {
  if (tokens < 1 || tokens > kBatchMax) {
    fail(ErrorKind::kInvalidArgument, "batch_tokens is {}, allowed are 1 to {}", tokens, kBatchMax);
  }
  return tokens;
}

int checked_context(int context, int trained) {
  if (context < 0) fail(ErrorKind::kInvalidArgument, "context is {}, must be at least 0", context);
  return context == 0 ? trained : context;
}

std::shared_ptr<const session::Eviction> make_eviction(const Model& model, const EvictionOptions& options) {
  if (options.policy.empty()) {
    if (options.budget_tokens != 0 || options.budget_bytes != 0)
      fail(ErrorKind::kInvalidArgument, "an eviction budget needs a policy, and none is named");
    return nullptr;
  }
  return std::make_shared<const session::Eviction>(options, model.impl()->hparams().attention_scale);
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

const char* to_string(FinishReason reason) noexcept {
  switch (reason) {
    case FinishReason::kEnd:
      return "end";
    case FinishReason::kLength:
      return "length";
    case FinishReason::kContext:
      return "context";
    case FinishReason::kStop:
      return "stop";
    case FinishReason::kCancelled:
      return "cancelled";
  }
  return "unknown";
}

class Session::Impl {
 public:
  Impl(Model model, const SessionOptions& options)
      : model_(std::move(model)),
        context_(checked_context(options.context, model_.info().context_trained)),
        batch_(checked_batch(std::min(options.batch_tokens, kBatchMax + 1))),
        pool_(options.threads),
        kv_(options.kv),
        threads_(options.threads),
        eviction_(make_eviction(model_, options.eviction)),
        cache_(session::make_cache(model_, kv_)),
        forward_(*model_.impl(), cache_, pool_, static_cast<std::size_t>(batch_)),
        sampler_(SamplingOptions{}, model_.tokenizer().vocab_size()) {
    if (eviction_ != nullptr) eviction_->prepare(cache_);
  }
  Impl(const Impl& other)
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
        compacted_(other.compacted_) {}
  Impl& operator=(const Impl&) = delete;

  bool feed(std::span<const Token> tokens, const std::stop_token& stop) {
    check(tokens);
    return feed(tokens, tokens.size() == 1, stop);
  }

  /// Whether a batch is a single token is not what makes it alone: then results would depend on batches.
  bool feed(std::span<const Token> tokens, bool alone, const std::stop_token& stop) {
    const std::size_t end = tokens_.size() + tokens.size();
    while (!tokens.empty()) {
      if (stop.stop_requested()) return false;
      const auto batch = tokens.first(next_batch(tokens.size()));
      run(batch, end, alone);
      tokens = tokens.subspan(batch.size());
      // Logits are worth their price after the last token only, unless a stop request makes this one the last.
      if (tokens.empty() || stop.stop_requested()) keep_logits(batch.size() - 1);
    }
    return true;
  }

  void feed(std::span<const Token> tokens, const LogitsSink& on_logits) {
    check(tokens);
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

  std::vector<Token> encode(std::string_view text, bool parse_special) const {
    return model_.tokenizer().encode(text, {.add_special = tokens_.empty(), .parse_special = parse_special});
  }

  std::span<const float> logits() const {
    if (logits_.empty()) fail(ErrorKind::kInvalidArgument, "logits were asked for before any token was fed");
    return logits_;
  }

  /// Some files pad the embedding beyond the vocabulary: those rows are never drawn.
  Token sample() {
    return sampler_.sample(logits().first(static_cast<std::size_t>(model_.tokenizer().vocab_size())), tokens_);
  }

  Generation generate(std::string_view prompt, const GenerateOptions& options, const PieceSink& on_piece,
                      const std::stop_token& stop);

  void reset() {
    cache_.clear();
    tokens_.clear();
    alone_.clear();
    logits_.clear();
    compacted_ = false;
  }

  void compact(const session::Eviction& eviction, std::size_t budget);
  void truncate(std::size_t tokens);
  const session::Eviction* eviction() const { return eviction_.get(); }
  Model model_;
  int context_;
  int batch_;
  ThreadPool pool_;
  KvOptions kv_;
  int threads_;
  std::shared_ptr<const session::Eviction> eviction_;  ///< Null: nothing is evicted.
  kv::Cache cache_;
  model::Forward forward_;
  session::Sampler sampler_;
  std::vector<Token> tokens_;
  /// With sparse reading: which tokens were fed alone. [tokens_]
  std::vector<bool> alone_;
  std::vector<float> logits_;
  bool compacted_ = false;  ///< compact() evicted something

 private:
  /// Batches end where eviction decides.
  std::size_t next_batch(std::size_t tokens) const {
    std::size_t count = std::min(tokens, static_cast<std::size_t>(batch_));
    if (streams()) count = std::min(count, eviction_->next_decision(tokens_.size()) - tokens_.size());
    return count;
  }
  /// Old tokens go as new ones come.
  bool streams() const { return eviction_ != nullptr && eviction_->automatic(); }

  void check(std::span<const Token> tokens) const {
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

  /// Of a feed up to position `end`.
  void run(std::span<const Token> batch, std::size_t end, bool alone) {
    if (eviction_ != nullptr) {
      eviction_->make_room(cache_, pool_);
      if (streams()) end = eviction_->next_decision(tokens_.size());
      cache_.observers().begin_batch(tokens_.size(), batch.size(), end);
    }
    forward_.run(batch, alone);
    tokens_.insert(tokens_.end(), batch.begin(), batch.end());
    if (cache_.sparse().on()) alone_.resize(tokens_.size(), alone);
  }

  /// Tokens that are not in the cache any more, as they were fed the first time.
  void feed_again(std::span<const Token> tokens, const std::vector<bool>& alone) {
    for (std::size_t first = tokens_.size(); first < tokens.size();) {
      std::size_t last = first + 1;
      const bool single = !alone.empty() && alone[first];
      while (!single && last < tokens.size() && (alone.empty() || !alone[last])) ++last;
      feed(tokens.subspan(first, last - first), single, std::stop_token{});
      first = last;
    }
  }

  void keep_logits(std::size_t row) {
    forward_.logits(row, 1,
                    [&](std::size_t, std::span<const float> logits) { logits_.assign(logits.begin(), logits.end()); });
  }
};

Generation Session::Impl::generate(std::string_view prompt, const GenerateOptions& options, const PieceSink& on_piece,
                                   const std::stop_token& stop) {
  Generation result;
  sampler_ = session::Sampler(options.sampling, model_.tokenizer().vocab_size());
  session::StopStrings stops(options.stop);
  const std::vector<Token> prompt_tokens = encode(prompt, options.parse_special);
  result.prompt_tokens = static_cast<int>(prompt_tokens.size());
  if (prompt_tokens.empty() && tokens_.empty()) {
    fail(ErrorKind::kInvalidArgument, "the prompt is empty, and so is the session: there is nothing to go on from");
  }
  // What follows on a prompt keeps the space that begins it.
  StreamDecoder decoder(model_.tokenizer(), false, tokens_.empty() && prompt_tokens.empty());

  auto start = std::chrono::steady_clock::now();
  const bool fed = feed(prompt_tokens, stop);
  result.prompt_seconds = seconds_since(start);
  if (!fed) {
    result.reason = FinishReason::kCancelled;
    return result;
  }
  // False once the caller wants no more.
  const auto hand_out = [&](std::string_view piece) {
    result.text += piece;
    return piece.empty() || !on_piece || on_piece(piece);
  };
  const auto next = [&]() -> std::optional<FinishReason> {
    if (stop.stop_requested()) return FinishReason::kCancelled;
    if (static_cast<int>(result.tokens.size()) >= options.tokens_max) return FinishReason::kLength;
    const Token token = sample();
    if (!options.ignore_end && model_.tokenizer().is_end_of_generation(token)) return FinishReason::kEnd;
    result.tokens.push_back(token);
    if (!hand_out(stops.push(decoder.push(token)))) return FinishReason::kCancelled;
    if (stops.stopped()) return FinishReason::kStop;
    if (static_cast<int>(tokens_.size()) >= context_) return FinishReason::kContext;
    feed(std::span(&token, 1), std::stop_token{});
    return std::nullopt;
  };
  start = std::chrono::steady_clock::now();
  std::optional<FinishReason> reason;
  while (!reason) reason = next();
  result.reason = *reason;
  result.decode_seconds = seconds_since(start);
  if (*reason != FinishReason::kStop && *reason != FinishReason::kCancelled) hand_out(stops.finish());
  return result;
}

void Session::Impl::compact(const session::Eviction& eviction, std::size_t budget) {
  const std::size_t before = session::held_tokens(cache_);
  eviction.compact(cache_, pool_, budget);
  compacted_ = compacted_ || session::held_tokens(cache_) != before;
}

void Session::Impl::truncate(std::size_t tokens) {
  if (tokens > tokens_.size()) {
    fail(ErrorKind::kInvalidArgument, "truncate to {} tokens, the session has {}", tokens, tokens_.size());
  }
  if (compacted_) fail(ErrorKind::kInvalidArgument, "truncate to {} tokens, but compact() evicted some", tokens);
  if (tokens == tokens_.size()) return;
  const std::vector<Token> kept(tokens_.begin(), tokens_.begin() + static_cast<std::ptrdiff_t>(tokens));
  const std::vector<bool> alone = alone_;
  // The state that the tokens were in up to some point is still there, or it is nothing.
  const std::size_t sealed = tokens_.size() / kv::kPageTokens * kv::kPageTokens;
  std::size_t from = 0;
  // The last token goes through the model in any case, for its logits.
  const std::size_t last = tokens - std::min<std::size_t>(tokens, 1);
  if (eviction_ == nullptr) {
    from = std::min(sealed, last / kv::kPageTokens * kv::kPageTokens);
    while (from != 0 && from != sealed && !cache_.can_rewind(from)) from -= kv::kPageTokens;
  }
  if (from == 0) {
    cache_.clear();
  } else if (from == sealed) {
    from = last;
    cache_.forget_open(from);
  } else {
    cache_.rewind(from);
  }
  tokens_.resize(from);
  alone_.resize(std::min(alone_.size(), from));
  logits_.clear();
  feed_again(kept, alone);
}

Session::Session(Model model, const SessionOptions& options)
    : impl_(std::make_unique<Impl>(std::move(model), options)) {}
Session::Session(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Session::~Session() = default;
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;

bool Session::feed(std::span<const Token> tokens, const std::stop_token& stop) { return impl_->feed(tokens, stop); }

bool Session::feed(std::string_view text, const std::stop_token& stop) {
  return impl_->feed(impl_->encode(text, true), stop);
}

void Session::feed(std::span<const Token> tokens, const LogitsSink& on_logits) { impl_->feed(tokens, on_logits); }

std::span<const float> Session::logits() const { return impl_->logits(); }

void Session::set_sampling(const SamplingOptions& options) {
  impl_->sampler_ = session::Sampler(options, impl_->model_.tokenizer().vocab_size());
}

Token Session::sample() { return impl_->sample(); }

Token Session::step() {
  const Token token = sample();
  impl_->feed(std::span(&token, 1), std::stop_token{});
  return token;
}

Generation Session::generate(std::string_view prompt, const GenerateOptions& options, const PieceSink& on_piece,
                             const std::stop_token& stop) {
  return impl_->generate(prompt, options, on_piece, stop);
}

void Session::compact(std::size_t budget_tokens) {
  if (impl_->eviction() == nullptr) fail(ErrorKind::kInvalidArgument, "compact: the session has no eviction policy");
  impl_->compact(*impl_->eviction(), budget_tokens);
}

void Session::compact(std::size_t budget_tokens, const EvictionOptions& policy) {
  EvictionOptions options = policy;
  options.budget_tokens = 0;
  options.budget_bytes = 0;
  const auto eviction = make_eviction(impl_->model_, options);
  if (eviction == nullptr) fail(ErrorKind::kInvalidArgument, "compact: no eviction policy is named");
  impl_->compact(*eviction, budget_tokens);
}

Session Session::fork() const { return Session(std::make_unique<Impl>(*impl_)); }

void Session::truncate(int tokens) {
  if (tokens < 0) fail(ErrorKind::kInvalidArgument, "truncate to {} tokens, must be at least 0", tokens);
  impl_->truncate(static_cast<std::size_t>(tokens));
}

std::span<const Token> Session::tokens() const noexcept { return impl_->tokens_; }

int Session::position() const noexcept { return static_cast<int>(impl_->tokens_.size()); }

int Session::context() const noexcept { return impl_->context_; }

void Session::reset() { impl_->reset(); }

const Model& Session::model() const noexcept { return impl_->model_; }

KvStats Session::kv_stats() const { return session::kv_stats(impl_->kv_, impl_->cache_); }

}  // namespace pith
