#include <pith/session.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "base/fail.h"
#include "session/session_impl.h"
#include "session/stop_strings.h"

namespace pith {
namespace {

KvStats stats_of(const KvOptions& kv, const kv::Cache& cache, std::size_t tokens, std::size_t sealed_bytes,
                 std::size_t exact_bytes) {
  const kv::KvShape& shape = cache.shape();
  KvStats stats;
  stats.key_codec = kv.key;
  stats.value_codec = kv.value;
  stats.tokens = static_cast<int>(tokens);
  stats.sealed_bytes = sealed_bytes;
  stats.exact_bytes = exact_bytes;
  stats.bytes = sealed_bytes + exact_bytes;
  for (const std::size_t window : shape.windows) {
    const std::size_t held = window == 0 ? tokens : std::min(window, tokens);
    stats.bytes_f16 += 2 * held * shape.kv_heads * (shape.key_size + shape.value_size);
  }
  return stats;
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

Generation Session::Impl::generate(std::string_view prompt, const GenerateOptions& options, const PieceSink& on_piece,
                                   const std::stop_token& stop) {
  Generation result;
  if (!options.keep_sampler) sampler_ = session::Sampler(options.sampling, model_.tokenizer().vocab_size());
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
  logits_.clear();
  if (from < tokens) feed(std::span(kept).subspan(from), std::stop_token{});
}

KvStats Session::Impl::kv_stats() const {
  KvStats stats = stats_of(kv_, cache_, tokens_.size(), cache_.sealed_bytes(), cache_.exact_bytes());
  stats.policy_bytes = cache_.observed_bytes();
  stats.held_tokens = static_cast<int>(session::held_tokens(cache_));
  const kv::KvShape& shape = cache_.shape();
  stats.layers.resize(shape.layers());
  for (std::size_t layer = 0; layer < shape.layers(); ++layer) {
    const std::size_t window = shape.windows[layer];
    const std::size_t held = window == 0 ? tokens_.size() : std::min(window, tokens_.size());
    stats.layers[layer] = {cache_.bytes(KvSide::kKeys, layer), cache_.bytes(KvSide::kValues, layer),
                           2 * held * shape.kv_heads * shape.key_size, 2 * held * shape.kv_heads * shape.value_size};
  }
  return stats;
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
  const auto eviction = session::make_eviction(impl_->model_, options);
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

KvStats Session::kv_stats() const { return impl_->kv_stats(); }

KvStats predict_kv(const Model& model, const KvOptions& kv, int tokens) {
  if (tokens < 0) fail(ErrorKind::kInvalidArgument, "tokens is {}, must be at least 0", tokens);
  const kv::Cache cache = session::make_cache(model, kv);
  const auto count = static_cast<std::size_t>(tokens);
  return stats_of(kv, cache, count, cache.sealed_bytes_at(count), cache.exact_bytes_at(count));
}

}  // namespace pith
