#include "kv/read/attend_block.h"

#include <gtest/gtest.h>

namespace pith::kv {
namespace {

TEST(AttendBlocks, CoverEveryTokenOfEveryHeadOnceAndCrossNoPage) {
  std::vector<AttendBlock> blocks;
  for (const std::size_t position : {0UL, 1UL, 15UL, 16UL, 63UL, 64UL, 1000UL}) {
    for (const std::size_t tokens : {1UL, 15UL, 16UL, 17UL, 64UL, 200UL}) {
      list_blocks({nullptr, 7, tokens, position}, 3, blocks);
      EXPECT_LE(blocks.size(), 3 * blocks_max(tokens));
      std::size_t next = 0;
      for (std::size_t b = 0; b < blocks.size(); ++b) {
        const AttendBlock& block = blocks[b];
        if (b * 3 % blocks.size() == 0) next = 0;
        EXPECT_EQ(block.number, b);
        EXPECT_EQ(block.kv_head, b * 3 / blocks.size());
        EXPECT_EQ(block.token, next);
        EXPECT_EQ(block.position, position + next);
        EXPECT_LE(block.tokens, kBlockTokens);
        EXPECT_EQ(block.own_page(), (block.position + block.tokens - 1) / kPageTokens);
        EXPECT_EQ(block.position / kBlockTokens, (block.position + block.tokens - 1) / kBlockTokens);
        next += block.tokens;
        const bool last_of_head = (b + 1) * 3 % blocks.size() == 0;
        EXPECT_TRUE(!last_of_head || next == tokens);
      }
    }
  }
}

}  // namespace
}  // namespace pith::kv
