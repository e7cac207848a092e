#pragma once

#include <pith/session.h>

#include <atomic>
#include <functional>
#include <memory>
#include <vector>

#include "base/hidden.h"
#include "base/thread_pool.h"
#include "kv/core/cache.h"
#include "model/forward.h"
#include "model/workspace.h"
#include "session/cache.h"
#include "session/eviction.h"
#include "session/prefix_sharing.h"

namespace pith {

namespace session {

/// Null where no policy is named.
std::shared_ptr<const Eviction> make_eviction(const Model& model, const EvictionOptions& options);

/// What a feed hands out besides the logits after its last token. Rows are counted from the feed's first token.
struct FeedSinks {
  /// Logits after each token from row `logits_from` on.
  LogitsSink logits{};
  std::size_t logits_from = 0;
  HiddenSink hidden{};

  bool any() const { return logits || hidden; }
};

}  // namespace session

/// What a session consists of. What the public functions promise is checked here.
class PITH_HIDDEN Session::Impl {
 public:
  Impl(Model model, const SessionOptions& options);
  /// A fork.
  Impl(const Impl& other);
  Impl& operator=(const Impl&) = delete;

  /// False if stopped. Tokens of another session's prefix are taken over only where nothing is handed out.
  bool feed(std::span<const Token> tokens, const std::stop_token& stop, const session::FeedSinks& sinks = {});
  std::vector<Token> encode(std::string_view text, bool parse_special) const;
  std::span<const float> logits() const;
  /// As many of the logits as the tokenizer has tokens: some files pad the embedding beyond them.
  std::span<const float> vocab_logits(std::span<const float> logits) const;
  std::vector<TokenScore> score(std::span<const Token> tokens, const ScoreOptions& options,
                                const std::stop_token& stop);
  std::vector<float> embed(std::span<const Token> tokens, const EmbedOptions& options, const std::stop_token& stop);
  Generation generate(std::span<const Token> prompt, const GenerateOptions& options, const PieceSink& on_piece,
                      const std::stop_token& stop);
  void reset();
  void compact(const session::Eviction& eviction, std::size_t budget);
  void truncate(std::size_t tokens);
  std::size_t shared_tokens() const { return shared_tokens_; }
  const session::Eviction* eviction() const { return eviction_.get(); }
  /// Old tokens go as new ones come.
  bool streams() const { return eviction_ != nullptr && eviction_->automatic(); }
  /// Whether the tokens after some position can be taken back without computing anything, as long as no page has been
  /// completed since.
  bool takes_back_open_tokens() const;
  /// Takes them back: `tokens` are left, with these logits after the last one.
  void take_back(std::size_t tokens, std::vector<float> logits);
  /// Throws if pages have changed in memory; the next use computes the cache again then. Several threads may check at
  /// once.
  void check_pages() const;
  /// Whether the cache is what the tokens make it.
  bool whole() const { return whole_ && !damaged_.load(std::memory_order_relaxed); }
  SessionMemory memory() const;

  Model model_;
  int context_;
  int batch_;
  std::shared_ptr<ThreadPool> pool_;
  KvOptions kv_;
  std::shared_ptr<const session::Eviction> eviction_;  ///< Null: nothing is evicted.
  kv::Cache cache_;
  Sampler sampler_;
  std::vector<Token> tokens_;
  /// With sparse reading: which tokens were fed alone. [tokens_]
  std::vector<bool> alone_;
  std::shared_ptr<std::vector<float>> logits_;  ///< Null: none. Shared with forks until one of them feeds.
  bool compacted_ = false;                      ///< compact() evicted something
  bool whole_ = true;                           ///< False: something failed in the middle of a change (mend())
  mutable std::atomic<bool> damaged_{false};    ///< check_pages() found pages that had changed
  session::PrefixSharing sharing_;              ///< Off unless asked for.
  std::size_t shared_tokens_ = 0;

 private:
  /// Batches end where eviction decides.
  std::size_t next_batch(std::size_t tokens) const;
  void check(std::span<const Token> tokens) const;
  /// Whether a batch is a single token is not what makes it alone: then results would depend on batches.
  bool feed(std::span<const Token> tokens, bool alone, const std::stop_token& stop, const session::FeedSinks& sinks);
  /// Takes the cache back to some point not after `tokens`; 0: it cannot.
  std::size_t rewind_towards(std::size_t tokens);
  /// After a failure in the middle of a batch: makes the cache what the tokens before the batch make it.
  void mend();
  /// What of these tokens is not in the cache, as it was fed the first time. If that fails, it is left to mend().
  void feed_again(std::vector<Token> tokens, std::vector<bool> alone);
  /// One batch of a feed up to position `end`.
  void run(model::Forward& forward, std::span<const Token> batch, std::size_t end, bool alone);
  /// After a batch whose first token is row `row` of the feed. True if the logits after its last token were among what
  /// was handed out, and are kept.
  bool hand_out(model::Forward& forward, std::size_t row, std::size_t count, const session::FeedSinks& sinks);
  void keep_logits(std::span<const float> logits);
  void forget_logits() { logits_.reset(); }
  /// Takes over what another session has of the first tokens; how many.
  std::size_t take_prefix(std::span<const Token> tokens);
};

}  // namespace pith
