#pragma once

#include <cstddef>
#include <vector>

#include "kv/layout/layout.h"

namespace pith::kv {

/// Queries and outputs of one batch of one layer. Query head h of token m starts at queries[m * query_stride + h *
/// key_size], its output at out[m * out_stride + h * value_size].
struct AttendBatch {
  const float* queries = nullptr;
  std::size_t query_stride = 0;
  float* out = nullptr;
  std::size_t out_stride = 0;
  std::size_t tokens = 0;
  std::size_t position = 0;  ///< Of the first token.
  float scale = 1.0F;        ///< Multiplies the scores.
  /// True: a single token, which reads only as many pages as SparseReading says.
  bool sparse = false;
};

/// Tokens per block: enough rows to amortize unpacking a tile, few enough for their scores to stay in the L1 cache.
inline constexpr std::size_t kBlockTokens = 16;

/// Up to kBlockTokens tokens of one page with all query heads of one KV head: all rows share each load of a KV byte.
struct AttendBlock {
  std::size_t number;
  std::size_t kv_head;
  std::size_t token;  ///< Index of the first one in the batch.
  std::size_t tokens;
  std::size_t position;  ///< Of the first one.
};

/// Returns the blocks of a batch, ordered and numbered by KV head, then by token.
std::vector<AttendBlock> blocks_of(const AttendBatch& batch, std::size_t kv_heads);
/// Returns an upper bound of the blocks per KV head: a batch may begin and end anywhere in a block.
constexpr std::size_t blocks_max(std::size_t tokens_max) {
  return (tokens_max + 2 * (kBlockTokens - 1)) / kBlockTokens;
}

}  // namespace pith::kv
