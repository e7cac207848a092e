#pragma once

#include <pith/session.h>

#include <algorithm>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/fail.h"
#include "base/thread_pool.h"
#include "kv/cache.h"
#include "model/forward.h"
#include "session/eviction.h"
#include "session/sampler.h"

namespace pith {

namespace session {

inline constexpr int kBatchMax = 4096;

/// The values, if they are in range; else they throw Error(kInvalidArgument).
int checked_batch(int tokens);
int checked_context(int context, int trained);

kv::Cache make_cache(const Model& model, const KvOptions& kv);
/// Null: nothing is evicted.
std::shared_ptr<const Eviction> make_eviction(const Model& model, const EvictionOptions& options);

}  // namespace session

/// What a session is made of, for the files that implement it.
class Session::Impl {
 public:
  Impl(Model model, const SessionOptions& options)
      : model_(std::move(model)),
        context_(session::checked_context(options.context, model_.info().context_trained)),
        batch_(session::checked_batch(std::min(options.batch_tokens, session::kBatchMax + 1))),
        pool_(options.threads),
        kv_(options.kv),
        threads_(options.threads),
        eviction_(session::make_eviction(model_, options.eviction)),
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
        logits_(other.logits_),
        compacted_(other.compacted_) {}
  Impl& operator=(const Impl&) = delete;

  bool feed(std::span<const Token> tokens, const std::stop_token& stop) {
    check(tokens);
    const std::size_t end = tokens_.size() + tokens.size();
    while (!tokens.empty()) {
      if (stop.stop_requested()) return false;
      const auto batch = tokens.first(next_batch(tokens.size()));
      run(batch, end);
      tokens = tokens.subspan(batch.size());
      // Logits are worth their price after the last token only, unless a stop request makes this one the last.
      if (tokens.empty() || stop.stop_requested()) keep_logits(batch.size() - 1);
    }
    return true;
  }

  void feed(std::span<const Token> tokens, const LogitsSink& on_logits) {
    check(tokens);
    const std::size_t end = tokens_.size() + tokens.size();
    while (!tokens.empty()) {
      const auto batch = tokens.first(next_batch(tokens.size()));
      const int position = static_cast<int>(tokens_.size());
      run(batch, end);
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
    logits_.clear();
    compacted_ = false;
  }

  void compact(const session::Eviction& eviction, std::size_t budget);
  void truncate(std::size_t tokens);
  const session::Eviction* eviction() const { return eviction_.get(); }
  KvStats kv_stats() const;

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
  void run(std::span<const Token> batch, std::size_t end) {
    if (eviction_ != nullptr) {
      eviction_->make_room(cache_, pool_);
      if (streams()) end = eviction_->next_decision(tokens_.size());
      cache_.observers().begin_batch(tokens_.size(), batch.size(), end);
    }
    forward_.run(batch);
    tokens_.insert(tokens_.end(), batch.begin(), batch.end());
  }

  void keep_logits(std::size_t row) {
    forward_.logits(row, 1,
                    [&](std::size_t, std::span<const float> logits) { logits_.assign(logits.begin(), logits.end()); });
  }
};

}  // namespace pith
