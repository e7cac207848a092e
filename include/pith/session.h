#pragma once

#include <pith/export.h>
#include <pith/feed_options.h>
#include <pith/generate_options.h>
#include <pith/generation.h>
#include <pith/model.h>
#include <pith/session_options.h>
#include <pith/snapshot.h>
#include <pith/stats.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace pith::session {
struct Access;
}  // namespace pith::session

namespace pith::inline v0_1 {

/// Receives generated text as whole UTF-8 characters, as it comes. Returning false ends the generation.
using PieceSink = std::function<bool(std::string_view piece)>;

/// Receives the logits after one fed token: its position in the session and [vocab] floats, valid during the call.
using LogitsSink = std::function<void(int position, std::span<const float> logits)>;

/// Receives the final hidden state of one fed token, after the output norm: its position in the session and [embedding]
/// floats, valid during the call.
using HiddenSink = std::function<void(int position, std::span<const float> hidden)>;

/// One sequence on a model: its KV cache, its position, its sampler. Keeps the model alive. A session is used by one
/// thread at a time, but const members may run together from several threads, fork() among them; several sessions may
/// share a model from several threads.
///
/// Whatever a call throws, Error(kOutOfMemory) included, leaves a session that can be used: tokens() says what it
/// holds, whole batches of what was fed, and what a failed batch left is computed again before the next use. Only after
/// compact(), drop() or append() that may need a mark (mark()): without one, the next use says so, and reset() helps.
class PITH_EXPORT Session {
 public:
  /// Internal: what a session is made of.
  class Impl;

  /// Throws Error: kInvalidArgument for options out of range, kUnsupported for an unknown codec name.
  explicit Session(Model model, const SessionOptions& options = {});
  ~Session();
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;

  /// Appends tokens and computes the logits after the last one. A stop request ends it between batches (what was fed
  /// before stays) and makes it return false. Throws Error: kContextFull (nothing is fed), kInvalidArgument for an id
  /// outside the vocabulary, kNumeric if logits are not finite (what was fed stays; truncate() takes it back).
  bool feed(std::span<const Token> tokens, const std::stop_token& stop = {});
  /// Encodes and feeds text; BOS is added as the model wants it if the session is empty. Special tokens that the text
  /// spells are plain text.
  bool feed(std::string_view text, const std::stop_token& stop = {});
  /// The same, with special tokens read as such if the options say so.
  bool feed(std::string_view text, const FeedOptions& options, const std::stop_token& stop = {});
  /// Feeds tokens and hands out the logits after each of them, in order. Throws and ends as feed() does.
  bool feed_logits(std::span<const Token> tokens, const LogitsSink& on_logits, const std::stop_token& stop = {});
  /// Feeds tokens and hands out the final hidden state of each of them, in order. Throws and ends as feed() does.
  bool feed_hidden(std::span<const Token> tokens, const HiddenSink& on_hidden, const std::stop_token& stop = {});

  /// Feeds tokens and returns how likely the model found each of them after all before it, from ScoreOptions::first on:
  /// the first by the logits that the session holds. A stop request ends it between batches; then only what was fed is
  /// scored. Throws as feed() does, and kInvalidArgument for a first token to score that nothing precedes.
  std::vector<TokenScore> score(std::span<const Token> tokens, const ScoreOptions& options = {},
                                const std::stop_token& stop = {});

  /// Feeds tokens and returns one vector [embedding] of their final hidden states, pooled. What the session holds
  /// before is context and is not pooled: reset() it for texts of their own. An encoder (ModelInfo::encoder) reads each
  /// text by itself, and the session holds nothing afterwards; every other way to feed it is Error(kUnsupported). Empty
  /// if stopped. Throws as feed() does, and kInvalidArgument for no tokens.
  std::vector<float> embed(std::span<const Token> tokens, const EmbedOptions& options = {},
                           const std::stop_token& stop = {});
  /// Encodes the text, special tokens in it as plain text, and embeds it.
  std::vector<float> embed(std::string_view text, const EmbedOptions& options = {}, const std::stop_token& stop = {});

  /// Float32 logits [vocab] after the last fed token. Valid until the next call that feeds. Throws kInvalidArgument if
  /// nothing was fed.
  std::span<const float> logits() const;

  /// How step() and sample() draw; resets the random generator to the options' seed.
  void set_sampling(const SamplingOptions& options);
  /// Draws with this sampler from now on; generate() keeps it with GenerateOptions::keep_sampler.
  void set_sampler(Sampler sampler);
  /// Draws a token from the current logits without feeding it.
  Token sample();
  /// Draws a token from logits [vocabulary of the tokenizer] of yours, with the session's sampler and tokens; -inf bans
  /// a token. Throws kInvalidArgument for another number of logits or where all are banned, kNumeric for NaN or
  /// infinity.
  Token sample(std::span<const float> logits);
  /// Draws a token, feeds it and returns it.
  Token step();

  /// Feeds the prompt and generates until a reason to finish. Stop strings, the end token and a cut-off character are
  /// not part of the text. The session can go on afterwards. Its sampling options replace what set_sampling() set,
  /// unless they are to be kept. Throws as feed() does, and kInvalidArgument for an empty prompt in an empty session.
  Generation generate(std::string_view prompt, const GenerateOptions& options = {}, const PieceSink& on_piece = {},
                      const std::stop_token& stop = {});
  /// The same from token ids. None: it goes on from what the session holds.
  Generation generate(std::span<const Token> prompt, const GenerateOptions& options = {},
                      const PieceSink& on_piece = {}, const std::stop_token& stop = {});

  /// Evicts by the session's policy until its KV heads hold `budget_tokens` each on average, or until only what is
  /// protected is left; exactly, and at once. What comes after sees what is left; positions stay what they were. For a
  /// document that is asked about again and again. Throws Error: kInvalidArgument if the session has no policy,
  /// kUnsupported after drop() or append().
  void compact(std::size_t budget_tokens);
  /// The same by another policy, whose needs the session observes (EvictionOptions::observe); its budgets are not read.
  /// Throws kInvalidArgument if it does not, and what a session with these options throws.
  void compact(std::size_t budget_tokens, const EvictionOptions& policy);

  /// A second session that goes on from here: same tokens, cache, logits, sampler and options. No page is copied until
  /// one of the two writes to it. Several threads may fork one session at once.
  Session fork() const;

  /// Marks this point: truncate() to it, or to what was fed after it, goes on from here instead of computing what came
  /// before again. Holds those forms of the last pages that the cache will replace: the open page, with int4 and fewer
  /// bits about 256 tokens of int8, what a window sees, and with an eviction policy what it will evict. Pages are
  /// shared. SessionOptions::marks_share bounds the bytes of all marks, KvStats counts them. Forks have the same marks,
  /// snapshots have none. Does nothing in the first page.
  void mark();
  /// Numbers of tokens at which the session is marked, ascending.
  std::vector<int> marks() const;

  /// Takes tokens back: the session is what it was, or would have been, with the first `tokens` only, bit for bit.
  /// Goes on from the last point before that which the cache still holds or mark() kept; what follows it is computed
  /// again, without either from the start. (Pages are compressed or evicted or leave windows as tokens come, and with a
  /// policy nothing but marks is held.) Logits are those after the last token. Returns how many tokens were computed
  /// again. Throws kInvalidArgument outside [0, position()], and where compact() evicted anything and no mark leads
  /// there.
  int truncate(int tokens);

  /// Takes `count` tokens out of the middle, from token `first` on (context shift): those after them move up, so that
  /// the context has room again and distances are those among the tokens that are left, and nothing is computed.
  /// No stored bit changes: queries are turned instead, page by page. What was computed while the tokens were there has
  /// seen them, so the session is not one that never had them; logits() stay what they are. position() counts what is
  /// left, and calls may follow each other without end. Keep the first few tokens, which attention leans on (Xiao et
  /// al., arXiv 2309.17453), and what came right before the end: sliding windows see what they hold, less what goes.
  /// Where fewer than 64 tokens go out of one page, those before them in that page stay at their old distance.
  ///
  /// Marks before the tokens lead back to what was; marks after them lose them too; others go. truncate() to before
  /// this call needs a mark. Throws Error: kInvalidArgument outside [0, position()]; kUnsupported for a session with an
  /// eviction policy, after compact() or append(), and with sparse reading. Then nothing has changed. The last tokens
  /// of a session are truncated instead.
  void drop(int first, int count);

  /// Appends what another session of the model holds without computing it again: queries see its pages where they are,
  /// as if it had been fed here, so one document can stand in any number of sessions, at any place and in any order. No
  /// stored bit changes and none is copied; the pages stay as long as any session needs them. Both sessions may go on,
  /// fork or end. What the document's tokens computed among themselves has not seen what comes before them here:
  /// AppendOptions::seam computes the first ones again. Positions in RoPE are those of this session; sliding windows
  /// see what the document's still hold.
  ///
  /// Up to 63 tokens are fed and taken out again, to complete the last page before the document. logits() are those of
  /// nothing fed yet: feed something before drawing. mark() after this call to ask several questions in turn;
  /// truncate() to before it needs a mark too. drop(), compact() and save() are refused from then on. kv_stats() counts
  /// the document's bytes like those of a fork. Throws as feed() does, and Error: kInvalidArgument for a session of
  /// another model or with other codecs, and for more tokens skipped than there are; kUnsupported for sessions with an
  /// eviction policy or sparse reading, after compact(), and for a document that others were appended to. Then nothing
  /// has changed.
  void append(const Session& document, const AppendOptions& options = {});

  /// Tokens whose pages came from another session (SessionOptions::share_prefixes) or from a store
  /// (SessionOptions::prefix_store).
  int shared_tokens() const noexcept;
  /// Writes all that the session is to a file, pages of the cache as they are stored: restore() goes on from here, bit
  /// for bit. The file is there as a whole or not at all, whenever the process or the machine stops; one of the same
  /// name is replaced then. Takes a buffer's memory, not the cache's. The first one of a model reads all its weights
  /// for their fingerprint. Throws Error: kIo naming path and reason (what was there before stays), kInvalidArgument
  /// for a key of another length and for a session whose last use failed, kUnsupported for one that reads sparsely,
  /// that append() was called on, or whose sampler has stages of its own (SamplingOptions::stages).
  void save(const std::filesystem::path& path, const SnapshotOptions& options = {}) const;
  /// A session that goes on from a snapshot: tokens, cache, logits, options, sampler and random generator. The whole
  /// file is verified before anything is made of it; no other session is touched. Throws Error, and says why: kIo;
  /// kFormat for a file that is damaged, cut off or no snapshot; kUnsupported for another version or a codec or policy
  /// that is not known; kInvalidArgument for another model, arithmetic, codec or policy than it was saved with, and for
  /// a key that is missing, another one or none that it has; kOutOfMemory.
  static Session restore(Model model, const std::filesystem::path& path, const SnapshotOptions& options = {});

  /// Tokens fed so far, oldest first, without those that drop() took out.
  std::span<const Token> tokens() const noexcept;
  int position() const noexcept;
  int context() const noexcept;
  /// Whether old tokens leave the cache as new ones come (an eviction policy with a budget): then any number of tokens
  /// can be fed, whatever the context.
  bool evicts() const noexcept;
  /// Forgets every token; memory of the cache is returned.
  void reset();

  const Model& model() const noexcept;
  /// What the cache really holds.
  KvStats kv_stats() const;
  /// All that the session holds, and the scratch memory of its model.
  SessionMemory memory() const;

 private:
  friend struct session::Access;
  explicit Session(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace pith::inline v0_1
