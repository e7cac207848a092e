#pragma once

#include <pith/eviction_options.h>
#include <pith/export.h>
#include <pith/kv_budget.h>
#include <pith/kv_options.h>
#include <pith/prefix_store.h>
#include <pith/threads.h>

#include <memory>

namespace pith::inline v0_1 {

/// What a session is made with.
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
  /// Tokens that prefill takes through the model at once, from 1 to 4,096. Results do not depend on it; the scratch
  /// memory that feeds lend from the model does (Session::memory()).
  int batch_tokens = 384;
  /// Takes the pages of the longest prefix that the first feed has in common with what another session of the model
  /// holds, and lets others take its own: whole pages of 64 tokens, of sessions with the same KV options. Results stay
  /// what they are, bit for bit. Codecs without recent pages (floats, int8) share any prefix; with int4, int3 and
  /// int2 what is shared ends where a feed of the other session ended. Costs the recent pages of a few such ends. Not
  /// with an eviction policy or sparse reading.
  bool share_prefixes = false;
  /// The first feed begins with the longest prefix of its tokens that the store has, and what is marked
  /// (Session::mark()) is stored, as is what generate() is given. Results stay what they are, bit for bit. Null:
  /// nothing is stored. Not with an eviction policy or sparse reading, nor what compact() or drop() left.
  std::shared_ptr<PrefixStore> prefix_store{};
  /// Bytes that the caches of several sessions may hold together. Results do not depend on it. Null: no limit.
  std::shared_ptr<KvBudget> kv_budget{};
  /// Bytes that marks (Session::mark()) may hold for each byte of the cache, at least 0; 0: nothing is marked. Where it
  /// is not enough, the marks go first without which the least is computed again; the two newest always stay. Results
  /// do not depend on it.
  double marks_share = 0.25;
  /// Marks every so many tokens by itself; 0: only where mark() and Chat do. So many tokens at most
  /// are computed again wherever truncate() goes, as long as the marks are kept.
  int mark_every = 0;
  /// What the session forgets, and when. Nothing by default.
  EvictionOptions eviction{};
};

}  // namespace pith::inline v0_1
