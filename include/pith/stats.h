#pragma once

#include <pith/export.h>
#include <pith/kv_options.h>
#include <pith/model.h>

#include <cstdint>
#include <string>
#include <vector>

namespace pith::inline v0_1 {

/// Bytes a session's KV cache really holds: codes, scales, means, exact sinks and the open pages included.
struct KvStats {
  std::string key_codec;
  std::string value_codec;
  int tokens = 0;
  std::uint64_t bytes = 0;
  /// Of these, sealed (compressed) pages.
  std::uint64_t sealed_bytes = 0;
  /// Of these, open pages and exact sinks.
  std::uint64_t exact_bytes = 0;
  /// Of these, what sparse reading keeps about pages (KvOptions::read_share).
  std::uint64_t summary_bytes = 0;
  /// Of these, the states of recurrent layers, which do not grow with the tokens.
  std::uint64_t state_bytes = 0;
  /// On top of `bytes`: what eviction policies keep about tokens.
  std::uint64_t policy_bytes = 0;
  /// Points that the session can go back to (Session::mark()), and on top of `bytes` what is held for them alone.
  int marks = 0;
  std::uint64_t mark_bytes = 0;
  /// Tokens that a KV head of a layer without a window holds, on average, rounded up; `tokens` if nothing was evicted.
  int held_tokens = 0;
  /// What the same tokens take in f16, sliding windows applied: 2 bytes per element and nothing else.
  std::uint64_t bytes_f16 = 0;

  struct Layer {
    std::uint64_t key_bytes = 0;
    std::uint64_t value_bytes = 0;
    /// Of keys as of values, as above.
    std::uint64_t key_bytes_f16 = 0;
    std::uint64_t value_bytes_f16 = 0;
  };
  /// What each layer with attention holds, without what Session::append() lets it see; empty of predictions.
  std::vector<Layer> layers{};

  /// Returns the bits per element, metadata included and states left out; 0 for an empty cache.
  double bits() const noexcept {
    return bytes_f16 == 0 ? 0.0 : 16.0 * static_cast<double>(bytes - state_bytes) / static_cast<double>(bytes_f16);
  }
};

/// Bytes that a session holds, by what they are for (Session::memory()).
struct SessionMemory {
  /// KvStats::bytes and policy_bytes. Pages that forks or sessions with a common prefix share are counted by each.
  std::uint64_t cache = 0;
  /// KvStats::mark_bytes.
  std::uint64_t marks = 0;
  /// Tables of pages, bases of keys, tokens, logits and the sampler's buffers.
  std::uint64_t state = 0;
  /// Scratch memory of the model at this moment: lent to each feed for as long as it runs, and shared by all sessions.
  std::uint64_t scratch_shared = 0;

  /// What goes when the session does.
  std::uint64_t own() const noexcept { return cache + marks + state; }
};

/// What a session of so many tokens will hold, without running one.
PITH_EXPORT KvStats predict_kv(const Model& model, const KvOptions& kv, int tokens);

}  // namespace pith::inline v0_1
