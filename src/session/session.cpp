#include <pith/session.h>

#include <utility>

#include "base/fail.h"
#include "base/memory.h"
#include "session/session_impl.h"

namespace pith {
namespace {

/// Calls f while the session's cache is in memory.
template <typename F>
auto in_use(const Session::Impl& session, const char* what, const F& f) {
  return with_memory_for(what, [&] {
    const session::Use use(session.budget_);
    return f();
  });
}

}  // namespace

Session::Session(Model model, const SessionOptions& options)
    : impl_(with_memory_for("open a session", [&] { return std::make_unique<Impl>(std::move(model), options); })) {}
Session::Session(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Session::~Session() = default;
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;

bool Session::feed(std::span<const Token> tokens, const std::stop_token& stop) {
  return in_use(*impl_, "feed tokens", [&] { return impl_->feed(tokens, stop); });
}

bool Session::feed(std::string_view text, const std::stop_token& stop) { return feed(text, FeedOptions{}, stop); }

bool Session::feed(std::string_view text, const FeedOptions& options, const std::stop_token& stop) {
  return in_use(*impl_, "feed text", [&] { return impl_->feed(impl_->encode(text, options.parse_special), stop); });
}

bool Session::feed_logits(std::span<const Token> tokens, const LogitsSink& on_logits, const std::stop_token& stop) {
  return in_use(*impl_, "feed tokens", [&] { return impl_->feed(tokens, stop, {.logits = on_logits}); });
}

bool Session::feed_hidden(std::span<const Token> tokens, const HiddenSink& on_hidden, const std::stop_token& stop) {
  return in_use(*impl_, "feed tokens", [&] { return impl_->feed(tokens, stop, {.hidden = on_hidden}); });
}

std::vector<TokenScore> Session::score(std::span<const Token> tokens, const ScoreOptions& options,
                                       const std::stop_token& stop) {
  return in_use(*impl_, "score tokens", [&] { return impl_->score(tokens, options, stop); });
}

std::vector<float> Session::embed(std::span<const Token> tokens, const EmbedOptions& options,
                                  const std::stop_token& stop) {
  return in_use(*impl_, "embed tokens", [&] { return impl_->embed(tokens, options, stop); });
}

std::vector<float> Session::embed(std::string_view text, const EmbedOptions& options, const std::stop_token& stop) {
  return in_use(*impl_, "embed a text", [&] { return impl_->embed(impl_->encode(text, false), options, stop); });
}

std::span<const float> Session::logits() const { return impl_->logits(); }

void Session::set_sampling(const SamplingOptions& options) {
  with_memory_for("make a sampler",
                  [&] { impl_->state_.sampler = Sampler(options, impl_->model_.tokenizer().vocab_size()); });
}

void Session::set_sampler(Sampler sampler) { impl_->state_.sampler = std::move(sampler); }

Token Session::sample() { return sample(impl_->vocab_logits(impl_->logits())); }

Token Session::sample(std::span<const float> logits) {
  return with_memory_for("draw a token",
                         [&] { return impl_->state_.sampler.sample_masked(logits, impl_->state_.tokens); });
}

Token Session::step() {
  const Token token = sample();
  feed(std::span(&token, 1), std::stop_token{});
  return token;
}

Generation Session::generate(std::string_view prompt, const GenerateOptions& options, const PieceSink& on_piece,
                             const std::stop_token& stop) {
  return in_use(*impl_, "generate",
                [&] { return impl_->generate(impl_->encode(prompt, options.parse_special), options, on_piece, stop); });
}

Generation Session::generate(std::span<const Token> prompt, const GenerateOptions& options, const PieceSink& on_piece,
                             const std::stop_token& stop) {
  return in_use(*impl_, "generate", [&] { return impl_->generate(prompt, options, on_piece, stop); });
}

void Session::compact(std::size_t budget_tokens) {
  if (impl_->eviction() == nullptr) fail(ErrorKind::kInvalidArgument, "compact: the session has no eviction policy");
  in_use(*impl_, "compact", [&] { impl_->compact(*impl_->eviction(), budget_tokens); });
}

void Session::compact(std::size_t budget_tokens, const EvictionOptions& policy) {
  in_use(*impl_, "compact", [&] {
    EvictionOptions options = policy;
    options.budget_tokens = 0;
    options.budget_bytes = 0;
    const auto eviction = session::make_eviction(impl_->model_, options);
    if (eviction == nullptr) fail(ErrorKind::kInvalidArgument, "compact: no eviction policy is named");
    impl_->compact(*eviction, budget_tokens);
  });
}

Session Session::fork() const {
  return Session(in_use(*impl_, "fork a session", [&] {
    impl_->check_pages();
    return std::make_unique<Impl>(*impl_);
  }));
}

int Session::truncate(int tokens) {
  if (tokens < 0) fail(ErrorKind::kInvalidArgument, "truncate to {} tokens, must be at least 0", tokens);
  return in_use(*impl_, "truncate",
                [&] { return static_cast<int>(impl_->truncate(static_cast<std::size_t>(tokens))); });
}

void Session::drop(int first, int count) {
  if (first < 0 || count < 0)
    fail(ErrorKind::kInvalidArgument, "drop {} tokens from token {} on, must be at least 0", count, first);
  in_use(*impl_, "drop tokens", [&] { impl_->drop(static_cast<std::size_t>(first), static_cast<std::size_t>(count)); });
}

void Session::append(const Session& document, const AppendOptions& options) {
  in_use(*impl_, "append a document", [&] {
    const session::Use use(document.impl_->budget_);
    impl_->append(*document.impl_, options);
  });
}

void Session::mark() {
  in_use(*impl_, "mark a point", [&] { impl_->mark(); });
}

std::vector<int> Session::marks() const {
  return in_use(*impl_, "list the marks", [&] { return impl_->marks_.positions(); });
}

int Session::shared_tokens() const noexcept { return static_cast<int>(impl_->state_.shared_tokens); }

std::span<const Token> Session::tokens() const noexcept { return impl_->state_.tokens; }

int Session::position() const noexcept { return static_cast<int>(impl_->state_.tokens.size()); }

int Session::context() const noexcept { return impl_->context_; }

bool Session::evicts() const noexcept { return impl_->streams(); }

void Session::reset() {
  impl_->budget_.forget_parked();
  in_use(*impl_, "reset a session", [&] { impl_->reset(); });
}

const Model& Session::model() const noexcept { return impl_->model_; }

KvStats Session::kv_stats() const {
  return in_use(*impl_, "tell what the cache holds", [&] {
    KvStats stats = session::kv_stats(impl_->kv_, impl_->cache_);
    stats.marks = static_cast<int>(impl_->marks_.size());
    stats.mark_bytes = impl_->marks_.bytes(impl_->cache_);
    return stats;
  });
}

SessionMemory Session::memory() const {
  return in_use(*impl_, "tell what the session holds", [&] { return impl_->memory(); });
}

}  // namespace pith
