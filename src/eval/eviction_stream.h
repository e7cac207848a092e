#pragma once

#include <pith/model.h>

#include <string>
#include <string_view>
#include <vector>

#include "eval/eviction.h"

// A text that is longer than what is held of it: perplexity, memory and time as it streams through (StreamingLLM, arXiv
// 2309.17453).
namespace pith::eval {

struct EvictionStreamOptions {
  /// Its ratios are not read.
  EvictionSetup setup{};
  /// Tokens that a KV head holds at most.
  std::size_t budget = 1024;
  std::size_t stream_tokens = 100000;
  /// Figures are of so many tokens each; the last block may be shorter. 0: a tenth of the stream.
  std::size_t block_tokens = 0;
};

struct EvictionStreamBlock {
  /// Tokens fed when it ended.
  std::size_t end = 0;
  /// Of its tokens.
  double perplexity = 0;
  /// When it ended.
  int held_tokens = 0;
  std::uint64_t bytes = 0;
  std::uint64_t policy_bytes = 0;
  /// To feed it, with all logits.
  double seconds_a_token = 0;
};

/// One way of forgetting.
struct EvictionStreamRow {
  /// "window", "window, no sinks", or "fresh windows": what the others are compared with.
  std::string name;
  std::string policy;
  std::size_t sinks = 0;
  std::string unsupported{};
  std::vector<EvictionStreamBlock> blocks{};

  /// Of all blocks.
  double perplexity() const noexcept;
};

struct EvictionStreamResult {
  EvictionStreamOptions options;
  int context_trained = 0;
  /// Fresh windows, window without sinks, and the policies in order.
  std::vector<EvictionStreamRow> rows;
};

/// Streams the text through a session of each policy. Fresh windows: every token is predicted in a session that began
/// half a budget to a budget before it, so nothing there is ever evicted or far from its beginning. Throws Error before
/// anything is fed for options that make no sense or a text that is too short; policies that cannot stream say so in
/// their row.
EvictionStreamResult measure_eviction_stream(const Model& model, std::string_view text,
                                             const EvictionStreamOptions& options,
                                             const EvictionProgress& on_step = {});

}  // namespace pith::eval
