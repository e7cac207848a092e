#include "kv/read/attend_batch.h"

#include <algorithm>

namespace pith::kv {

std::vector<AttendBlock> blocks_of(const AttendBatch& batch, std::size_t kv_heads) {
  std::vector<AttendBlock> blocks;
  for (std::size_t h = 0; h < kv_heads; ++h) {
    for (std::size_t token = 0; token < batch.tokens;) {
      const std::size_t position = batch.position + token;
      // kBlockTokens divides a page, so no block crosses a page boundary.
      const std::size_t tokens = std::min(batch.tokens - token, kBlockTokens - position % kBlockTokens);
      blocks.push_back({blocks.size(), h, token, tokens, position});
      token += tokens;
    }
  }
  return blocks;
}

}  // namespace pith::kv
