#pragma once

#include <pith/session.h>

#include <memory>
#include <vector>

#include "base/thread_pool.h"
#include "kv/cache.h"
#include "model/forward.h"
#include "session/cache.h"
#include "session/eviction.h"
#include "session/prefix_sharing.h"
#include "session/sampler.h"

namespace pith {

namespace session {

inline constexpr int kBatchMax = 4096;

/// Null where no policy is named.
std::shared_ptr<const Eviction> make_eviction(const Model& model, const EvictionOptions& options);

}  // namespace session

/// What a session consists of. What the public functions promise is checked here.
class [[gnu::visibility("hidden")]] Session::Impl {
 public:
  Impl(Model model, const SessionOptions& options);
  /// A fork.
  Impl(const Impl& other);
  Impl& operator=(const Impl&) = delete;

  bool feed(std::span<const Token> tokens, const std::stop_token& stop);
  void feed(std::span<const Token> tokens, const LogitsSink& on_logits);
  std::vector<Token> encode(std::string_view text, bool parse_special) const;
  std::span<const float> logits() const;
  Token sample();
  Generation generate(std::string_view prompt, const GenerateOptions& options, const PieceSink& on_piece,
                      const std::stop_token& stop);
  void reset();
  void compact(const session::Eviction& eviction, std::size_t budget);
  void truncate(std::size_t tokens);
  std::size_t shared_tokens() const { return shared_tokens_; }
  const session::Eviction* eviction() const { return eviction_.get(); }
  /// Throws if pages have changed in memory; the next use computes the cache again then, as it will anyway where
  /// something has failed before.
  void check_pages();

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
  bool compacted_ = false;          ///< compact() evicted something
  bool whole_ = true;               ///< False: the cache is not what tokens_ make it, as something failed (mend())
  session::PrefixSharing sharing_;  ///< Off unless asked for.
  std::size_t shared_tokens_ = 0;

 private:
  /// Batches end where eviction decides.
  std::size_t next_batch(std::size_t tokens) const;
  /// Old tokens go as new ones come.
  bool streams() const { return eviction_ != nullptr && eviction_->automatic(); }
  void check(std::span<const Token> tokens) const;
  /// Whether a batch is a single token is not what makes it alone: then results would depend on batches.
  bool feed(std::span<const Token> tokens, bool alone, const std::stop_token& stop);
  /// Takes the cache back to some point not behind `tokens`; 0: it cannot.
  std::size_t rewind_towards(std::size_t tokens);
  /// After a failure in the middle of a batch: makes the cache what the tokens before the batch make it.
  void mend();
  /// What of these tokens is not in the cache, as it was fed the first time. If that fails, it is left to mend().
  void feed_again(std::vector<Token> tokens, std::vector<bool> alone);
  /// Of a feed up to position `end`.
  void run(std::span<const Token> batch, std::size_t end, bool alone);
  void keep_logits(std::size_t row);
  /// Takes over what another session has of the first tokens; how many.
  std::size_t take_prefix(std::span<const Token> tokens);
};

}  // namespace pith
