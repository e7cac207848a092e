#pragma once

#include <cstddef>
#include <vector>

#include "kv/core/step.h"

namespace pith::kv {

/// Queries and outputs of a pass in one layer. Query head h of row m starts at queries[m * query_stride + h *
/// key_size], its output at out[m * out_stride + h * value_size].
struct AttendRows {
  const float* queries = nullptr;
  std::size_t query_stride = 0;
  float* out = nullptr;
  std::size_t out_stride = 0;
  float scale = 1.0F;  ///< Multiplies the scores.
  /// Scores become cap * tanh(score / cap); 0: unchanged.
  float softcap = 0.0F;
  /// Joins the denominator of each query head's softmax and has no value: [heads], or null.
  const float* sink_logits = nullptr;
  /// Whether the pass has read this layer of the caches before, since a later layer of the model reads it too.
  bool again = false;
  /// Whether each rank computes rows of its own, so that it needs the pages of all of them.
  bool divided = false;
};

/// Tokens per block: enough rows to amortize unpacking a tile, few enough for their scores to stay in the L1 cache.
inline constexpr std::size_t kBlockTokens = 16;

/// Up to kBlockTokens tokens of one page of a step with all query heads of one KV head: all rows share each load of a
/// KV byte.
struct AttendBlock {
  std::size_t number;  ///< Among those of its step.
  std::size_t kv_head;
  std::size_t token;  ///< Index of the first one in the step.
  std::size_t tokens;
  std::size_t position;  ///< Of the first one.

  std::size_t own_page() const { return position / kPageTokens; }
};

/// Lists the blocks of a step, ordered and numbered by KV head, then by token.
void list_blocks(const Step& step, std::size_t kv_heads, std::vector<AttendBlock>& blocks);
/// Returns an upper bound of the blocks per KV head of one step: it may begin and end anywhere in a block.
constexpr std::size_t blocks_max(std::size_t tokens_max) {
  return (tokens_max + 2 * (kBlockTokens - 1)) / kBlockTokens;
}

}  // namespace pith::kv
