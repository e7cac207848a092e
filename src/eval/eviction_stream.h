#pragma once

#include <pith/model.h>

#include <string>
#include <string_view>
#include <vector>

#include "eval/eviction.h"

// Streams a text that is longer than the cache may hold, and measures perplexity, memory and time (StreamingLLM, arXiv
// 2309.17453).
namespace pith::eval {

struct EvictionStreamOptions {
  /// Its ratios are ignored.
  EvictionSetup setup{};
  /// The most tokens that a KV head holds.
  std::size_t budget = 1024;
  std::size_t stream_tokens = 100000;
  /// Tokens per block of figures; the last block may be shorter. 0: a tenth of the stream.
  std::size_t block_tokens = 0;
};

struct EvictionStreamBlock {
  /// Tokens fed by the end of the block.
  std::size_t end = 0;
  /// Perplexity of the block's tokens.
  double perplexity = 0;
  /// At the end of the block.
  int held_tokens = 0;
  std::uint64_t bytes = 0;
  std::uint64_t policy_bytes = 0;
  /// Time to feed a token, including all logits.
  double seconds_per_token = 0;
};

/// One way of evicting.
struct EvictionStreamRow {
  /// "window", "window, no sinks", or "fresh windows", which the others are compared with.
  std::string name;
  std::string policy;
  std::size_t sinks = 0;
  std::string unsupported{};
  std::vector<EvictionStreamBlock> blocks{};

  /// Over all blocks.
  double perplexity() const noexcept;
};

struct EvictionStreamResult {
  EvictionStreamOptions options;
  int context_trained = 0;
  /// Fresh windows, the window without sinks, and the policies in order.
  std::vector<EvictionStreamRow> rows;
};

/// Streams the text through a session of each policy. For "fresh windows" every token is predicted in a session that
/// began half a budget to a budget before it, so nothing is ever evicted there or far from its beginning. Policies that
/// cannot stream say so in their row. Throws Error before feeding anything for invalid options or a text that is too
/// short.
EvictionStreamResult measure_eviction_stream(const Model& model, std::string_view text,
                                             const EvictionStreamOptions& options,
                                             const EvictionProgress& on_step = {});

}  // namespace pith::eval
