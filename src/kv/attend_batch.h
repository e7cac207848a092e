#pragma once

#include <cstddef>
#include <vector>

#include "kv/layout.h"

namespace pith::kv {

/// Queries and outputs of one batch of one layer: token m's query head h starts at queries[m * query_stride + h *
/// key_size], its output at out[m * out_stride + h * value_size].
struct AttendBatch {
  const float* queries = nullptr;
  std::size_t query_stride = 0;
  float* out = nullptr;
  std::size_t out_stride = 0;
  std::size_t tokens = 0;
  std::size_t position = 0;  ///< Of the first token.
  float scale = 1.0F;        ///< Multiplies the scores.
  /// A single token that reads as sparsely as the cache says.
  bool sparse = false;
};

/// Tokens of a block: enough rows to pay for unpacking a tile, few enough for their scores to stay in the first-level
/// cache.
inline constexpr std::size_t kBlockTokens = 16;

/// Up to kBlockTokens tokens of one page and all query heads of one KV head: they share every load of a KV byte.
struct AttendBlock {
  std::size_t number;
  std::size_t kv_head;
  std::size_t token;  ///< First, counted in the batch.
  std::size_t tokens;
  std::size_t position;  ///< Of the first one.
};

/// The blocks of a batch, numbered in their order: by KV head, then by token.
std::vector<AttendBlock> blocks_of(const AttendBatch& batch, std::size_t kv_heads);
/// The most that blocks_of() gives for one KV head: a batch begins and ends anywhere in a block.
constexpr std::size_t blocks_max(std::size_t tokens_max) {
  return (tokens_max + 2 * (kBlockTokens - 1)) / kBlockTokens;
}

}  // namespace pith::kv
