#pragma once

#include <pith/codec.h>
#include <pith/eviction.h>
#include <pith/export.h>
#include <pith/sampling.h>
#include <pith/threads.h>
#include <pith/token.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pith::inline v0_1 {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

/// Where log lines go. Called from the thread that logs; must be thread-safe when a model is shared by threads.
using LogSink = std::function<void(LogLevel level, std::string_view line)>;

struct Manifest;

/// Called while a model loads, with the share done in [0, 1]. Called from the loading thread only.
using ProgressSink = std::function<void(double share)>;

/// How matrices are multiplied.
enum class Arithmetic {
  kFast,  ///< Weights as stored, activations quantized to int8 in groups of 32 where the weights are quantized.
  kF32,   ///< Weights expanded to float32 at load, float32 activations: the reference path. Takes 4 bytes per weight.
};

struct ModelOptions {
  Arithmetic arithmetic = Arithmetic::kFast;
  /// Threads that pack the weights at load, and that the model's sessions share; 0: one for each processor that the
  /// process may use (WorkerPool::processors()).
  int threads = 0;
  /// Instead: threads of yours, which other models may use as well. `threads` is 0 then.
  std::shared_ptr<const WorkerPool> workers{};
  /// What the model must be (read_manifest()): every key and every tensor's bytes are compared before anything is
  /// handed out, in memory that nobody else can write to. Null: whatever the file says.
  std::shared_ptr<const Manifest> manifest{};
  /// Whether weights are looked through for NaN and infinities while they are packed, in numbers that stand alone and
  /// in the scales of blocks: Model::load() then refuses a damaged file, naming tensor, row, column and value. Without
  /// it such a model may load, and generating from it ends in Error(kNumeric). Costs a few hundredths of a load, a
  /// tenth of its processor time at most.
  bool check_weights = true;
  /// Silent when empty.
  LogSink log{};
  ProgressSink progress{};
};

/// How keys and values are stored, by codec name (builtin_codecs() lists them). K and V are chosen apart. And how many
/// of them are read.
struct KvOptions {
  struct Layer {
    /// Empty: like KvOptions::key.
    std::string key{};
    /// Empty: like this layer's `key` where that is given, else like KvOptions::value.
    std::string value{};
  };

  std::string key = "int8";
  /// Empty: like `key`.
  std::string value{};
  /// Layers that differ, by number from 0.
  std::map<int, Layer> layers{};
  /// Codecs of your own, which may be named as well.
  std::shared_ptr<const CodecRegistry> codecs{};
  /// Sparse reading. A token that is fed alone, as decoding does, reads at most this share of the pages (of 64 tokens)
  /// that a KV head of a layer without a window holds; above 0, 1: all. The page being filled and those that the codec
  /// keeps finer for a while are always read, and count; so are the attention sinks. Of the others those are read whose
  /// keys may match the token's queries best, as ranges kept for each page say (Tang et al., 2406.10774). Nothing is
  /// dropped: the next token chooses anew. Tokens that are fed together read everything. Below 1, ranges take memory
  /// (KvStats::summary_bytes), and eviction policies do not see what the tokens of unread pages would have got.
  double read_share = 1.0;
  /// Never fewer pages than this, whatever the share.
  int read_pages_min = 16;
  /// Keeps a checksum (XXH3, 8 bytes) of every sealed page and compares it whenever pages are taken into use again: at
  /// the beginning of a feed of several tokens and of generate(), before pages are compressed further or packed, and
  /// before fork(), save(), compact() and truncate(). What has changed in memory meanwhile is Error(kIntegrity); the
  /// session's next use computes its cache again. Decoding token by token compares nothing.
  bool page_checksums = false;
};

struct SessionOptions {
  KvOptions kv{};
  /// Tokens the session can hold; 0: what the model was trained for. More than that is allowed, and a warning is
  /// logged: without RoPE scaling models rarely make sense there.
  int context = 0;
  /// Threads of this session; 0: the model's own (ModelOptions::threads). Sessions of a model that ask for the same
  /// number share theirs. Results do not depend on it.
  int threads = 0;
  /// Instead: threads of yours. `threads` is 0 then.
  std::shared_ptr<const WorkerPool> workers{};
  /// Tokens that prefill takes through the model at once. Results do not depend on it; the scratch memory that feeds
  /// lend from the model does (Session::memory()).
  int batch_tokens = 384;
  /// Takes the pages of the longest prefix that the first feed has in common with what another session of the model
  /// holds, and lets others take its own: whole pages of 64 tokens, of sessions with the same KV options. Results stay
  /// what they are, bit for bit. Codecs without recent pages (floats, int8) share any prefix; with int4, int3 and
  /// int2 what is shared ends where a feed of the other session ended. Costs the recent pages of a few such ends. Not
  /// with an eviction policy or sparse reading.
  bool share_prefixes = false;
  /// What the session forgets, and when. Nothing by default.
  EvictionOptions eviction{};
};

/// Sees the logits before a token is drawn from them, and may change them in place: `tokens` is all that the model has
/// seen so far, oldest first, `logits` [vocabulary of the tokenizer]; minus infinity bans a token. Called before logit
/// bias and penalties, from the thread that generates. For grammars, bans, watermarks.
using LogitsHook = std::function<void(std::span<const Token> tokens, std::span<float> logits)>;

struct FeedOptions {
  /// Read special tokens written in the text ("<|im_start|>") as such; otherwise they are plain text.
  bool parse_special = false;
};

struct GenerateOptions {
  /// Tokens to draw at most; -1: until something else ends it.
  int tokens_max = 256;
  /// Until so many tokens were drawn, neither an end-of-generation token nor one of `stop_tokens` is.
  int tokens_min = 0;
  SamplingOptions sampling{};
  /// The session's sampler goes on as it is, random generator included; `sampling` is not read.
  bool keep_sampler = false;
  /// Generation ends before any of these strings; none of its characters is handed out.
  std::vector<std::string> stop{};
  /// Generation ends when one of these is drawn, as it does with the model's end-of-generation tokens.
  std::vector<Token> stop_tokens{};
  /// Read special tokens written in the prompt ("<|im_start|>") as such, as prompts in a chat format need it. Leave it
  /// off for text of others.
  bool parse_special = true;
  /// Go on past the model's end-of-generation tokens.
  bool ignore_end = false;
  LogitsHook on_logits{};
  /// Fills Generation::scores: -1: not; 0: of each token drawn its own; n: and those of the n likeliest tokens.
  int logprobs = -1;
  /// Speculation by prompt lookup (Saxena, 2023: prompt lookup decoding): up to so many tokens that followed an earlier
  /// occurrence of the newest ones are fed together with the next token, and kept as far as they are what is drawn. The
  /// tokens are those without it, bit for bit; texts that repeat their prompt come faster. 0: off. Without effect where
  /// single tokens read sparsely or an eviction policy observes them. During callbacks Session::tokens() may show
  /// tokens that are taken back later.
  int lookup_tokens = 0;
};

}  // namespace pith::inline v0_1
