#pragma once

#include <pith/session.h>

#include <memory>
#include <optional>
#include <vector>

#include "base/hidden.h"
#include "base/thread_pool.h"
#include "kv/core/cache.h"
#include "model/model_impl.h"
#include "session/budget.h"
#include "session/cache.h"
#include "session/eviction.h"
#include "session/marks.h"
#include "session/prefix_index.h"
#include "session/prefix_sharing.h"
#include "session/state.h"
#include "session/stored_prefixes.h"
#include "session/wholeness.h"

namespace pith {

namespace session {

/// Returns how many tokens go through the model at once if so many are asked for: fewer where its shape makes their
/// activations large.
std::size_t batch_rows(const Model& model, int tokens);

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

  /// Does what comes before a feed: throws if the tokens cannot be fed, mends what a failure left, takes over what
  /// another session has of the first tokens unless something is `handed_out`. Returns the tokens that are left.
  std::span<const Token> prepare(std::span<const Token> tokens, bool handed_out);
  /// Batches end where eviction decides, where marks are made by themselves, and at the last page that others may want.
  std::size_t next_batch(std::size_t tokens) const;
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
  /// Returns how many tokens were computed again.
  std::size_t truncate(std::size_t tokens);
  void drop(std::size_t first, std::size_t count);
  void append(const Impl& document, const AppendOptions& options);
  /// Throws Error(kUnsupported) if tokens may not be taken out or put in before the last one; `what` is not done then.
  void check_alterable(const char* what) const;
  /// Marks this point, and stores what is before its last page boundary.
  void mark();
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
  bool whole() const { return wholeness_.whole(); }
  /// After a failure in the middle of a change: makes the cache what the tokens before it make it.
  void mend();
  session::PrefixIndex& prefixes() const { return model_.impl()->attachments().get<session::PrefixIndex>(); }
  SessionMemory memory() const;

  // What a budget asks of a session that nobody uses.

  /// Bytes that it holds beside sealed pages. What forks share is divided among them.
  std::size_t unshared_bytes() const noexcept;
  bool holds_more_than_cache() const { return marks_.size() != 0 || sharing_.holds() || boundary_.has_value(); }
  void forget_more_than_cache();
  /// Whether its cache can be written and read again.
  bool can_park() const;

  Model model_;
  int context_;
  std::size_t batch_;  ///< Tokens that go through the model at once.
  std::shared_ptr<ThreadPool> pool_;
  KvOptions kv_;
  std::shared_ptr<const session::Eviction> eviction_;  ///< Null: nothing is evicted.
  /// Bytes that marks may hold, for each byte of the cache. 0: there are none.
  double marks_share_;
  std::size_t mark_every_;  ///< Tokens; 0: marks are made by hand.
  kv::Cache cache_;
  session::State state_;
  session::Marks marks_;
  session::Wholeness wholeness_;
  session::PrefixSharing sharing_;  ///< Off unless asked for.
  session::StoredPrefixes stored_;  ///< Likewise.
  /// With a store: the last page boundary, which windows move on from.
  std::optional<kv::Checkpoint> boundary_;
  /// Goes first, so that nobody parks what is left.
  session::BudgetMember budget_;

 private:
  void check(std::span<const Token> tokens) const;
  /// Checks that they fit into the context and are of the vocabulary.
  void check_tokens(std::span<const Token> tokens) const;
  /// Hands out the hidden states of a text that an encoder reads. Returns false if it was stopped before.
  bool read_whole(std::span<const Token> tokens, const std::stop_token& stop, const session::FeedSinks& sinks) const;
  /// Whether a batch is a single token is not what makes it alone: then results would depend on batches.
  bool feed(std::span<const Token> tokens, bool alone, const std::stop_token& stop, const session::FeedSinks& sinks);
  /// Whether the cache still holds what it was at an earlier position, on all ranks that share it.
  bool can_rewind(std::size_t position) const;
  /// Refuses what a cache that several ranks hold cannot do yet.
  void check_ranks(const SessionOptions& options) const;
  /// Completes the open page with tokens that nobody sees.
  void close_page();
  /// Bytes beside the cache's pages and the logits.
  std::size_t state_bytes() const noexcept;
  std::size_t logits_bytes() const noexcept;
  /// The cache's position of the open page.
  std::size_t open_page() const { return state_.position() / kv::kPageTokens * kv::kPageTokens; }
  /// The last point not after `tokens` that the cache itself still holds; 0: none.
  std::size_t held_towards(std::size_t tokens) const;
  /// Takes the session back to some point not after `tokens`; 0: it cannot.
  std::size_t rewind_towards(std::size_t tokens);
  /// The last mark from which the state with `tokens` tokens follows; null: none.
  std::shared_ptr<const session::Mark> mark_towards(std::size_t tokens) const;
  void go_back_to(const session::Mark& mark);
  /// What of these tokens is not in the cache, as it was fed the first time. If that fails, it is left to mend().
  void feed_again(std::vector<Token> tokens, std::vector<bool> alone);
  /// Puts what the cache was at a page boundary into the store.
  void store(const kv::Checkpoint& at) const;
  /// Takes over what another session or a store has of the first tokens; how many.
  std::size_t take_prefix(std::span<const Token> tokens);
};

}  // namespace pith
