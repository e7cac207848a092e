#include "kv/core/scratch_layout.h"

#include <gtest/gtest.h>

#include "kernels/select.h"
#include "kv/kv_shape.h"

namespace pith::kv {
namespace {

ScratchLayout layout_of(const char* codec) {
  return ScratchLayout(Cache(uniform({6, 2, 64, 32, {0, 100}}, codec, codec), kernels::select_kernels()));
}

TEST(ScratchLayout, IsTheLargestOfEveryLayer) {
  CacheOptions options;
  options.layers = {{{6, 2, 64, 32, 0}, "f16", "f16"}, {{4, 4, 32, 96, 100}, "int4", "f32"}};
  const ScratchLayout layout(Cache(options, kernels::select_kernels()));
  EXPECT_EQ(layout.heads, 6U);
  EXPECT_EQ(layout.kv_heads, 4U);
  EXPECT_EQ(layout.group, 3U);
  EXPECT_EQ(layout.key_size, 64U);
  EXPECT_EQ(layout.value_size, 96U);
  EXPECT_EQ(layout.key_page_bytes, 64 * kPageTokens * 2);
  EXPECT_EQ(layout.value_page_bytes, 96 * kPageTokens * 4);
  EXPECT_TRUE(layout.keys_rotated);
  EXPECT_TRUE(layout.split_queries);
}

TEST(ScratchLayout, JoinedServesBoth) {
  const ScratchLayout f32 = layout_of("f32");
  const ScratchLayout int4 = layout_of("int4");
  EXPECT_FALSE(f32 == int4);
  const ScratchLayout both = f32.joined(int4);
  EXPECT_EQ(both, int4.joined(f32));
  EXPECT_EQ(both.key_page_bytes, f32.key_page_bytes);
  EXPECT_TRUE(both.keys_rotated);
  EXPECT_TRUE(both.split_queries);
  EXPECT_EQ(f32.joined(f32), f32);
}

}  // namespace
}  // namespace pith::kv
