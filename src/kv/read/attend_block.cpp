#include "kv/read/attend_block.h"

#include <algorithm>

namespace pith::kv {

void list_blocks(const Step& step, std::size_t kv_heads, std::vector<AttendBlock>& blocks) {
  blocks.clear();
  for (std::size_t h = 0; h < kv_heads; ++h) {
    for (std::size_t token = 0; token < step.tokens;) {
      const std::size_t position = step.position + token;
      // kBlockTokens divides a page, so no block crosses a page boundary.
      const std::size_t tokens = std::min(step.tokens - token, kBlockTokens - position % kBlockTokens);
      blocks.push_back({blocks.size(), h, token, tokens, position});
      token += tokens;
    }
  }
}

}  // namespace pith::kv
